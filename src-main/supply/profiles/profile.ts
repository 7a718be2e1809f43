import type { ListLimits, SupplyLimits } from '../driver.js';

/** How a person connects it. */
export interface SupplyLink {
  /** Of its serial line; null for an instrument that has none. USB CDC takes any. */
  baudRate: number | null;
  stopBits: 1 | 2;
  /** Raw socket for SCPI; null for an instrument without network. */
  tcpPort: number | null;
}

/** What the bench knows about a kind of supply. */
export interface SupplyProfile {
  /** File-name-like key used in campaigns and on the command line. */
  id: string;
  name: string;
  /** Command table that it understands, drivers/. */
  driver: string;
  link: SupplyLink;
  limits: SupplyLimits;
  /** Longest wait for a reply, seconds. */
  replySeconds: number;
  /** Time from the end of a command to its effect, seconds; a virtual supply takes this long. */
  commandSeconds: number;
  /** How fast its output rises, unloaded; null where the maker does not say. */
  slewVoltsPerSecond: number | null;
  /** Readings of voltage and current that the host can have. */
  readingsPerSecond: number;
  /** `software`: the instrument has no current limit of its own; the host switches off when a reading passes it. */
  currentLimit: 'settable' | 'software';
  /** Whether it can be asked if its output is off. */
  confirmsOff: boolean;
  /** What its own sequencer can hold; null where it has none that the bench can start. */
  list: ListLimits | null;
  /** Where the figures come from. */
  source: string;
}
