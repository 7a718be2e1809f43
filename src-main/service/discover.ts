/** Ports with what is probably at them, and what is there when it is asked. */
import { listSerialPorts, openSerialPort, type SerialPortInfo } from '../board/serial-port.js';
import { RunError } from '../common/errors.js';
import type { Port } from '../common/port.js';
import { openTcpPort } from '../common/tcp-port.js';
import type { SupplyIdentity } from '../supply/driver.js';
import { probe, PROBES } from '../supply/probe.js';
import { instrumentKey, knownInstruments, rememberInstrument } from './known-instruments.js';

/** What USB identities tell. Adapters are in many instruments, so that only some are certain. */
const USB_IDENTITIES: { vendor: string; product: string | null; name: string; driver: string | null }[] = [
  { vendor: '1915', product: 'c00a', name: 'Nordic PPK2', driver: 'ppk2' },
  { vendor: '0416', product: '5011', name: 'Korad or one of its kin', driver: 'korad' },
  { vendor: '0403', product: 'ed72', name: 'HAMEG / Rohde & Schwarz HMP (HO720)', driver: 'rs-hmp' },
  { vendor: '0403', product: 'ed73', name: 'HAMEG / Rohde & Schwarz HMP (HO730)', driver: 'rs-hmp' },
  { vendor: '2e8a', product: null, name: 'Raspberry Pi Pico or its debug probe', driver: null },
  { vendor: '0483', product: '374b', name: 'ST-LINK of an STM32 Nucleo', driver: null },
  { vendor: '2047', product: '0013', name: 'MSP430 LaunchPad (eZ-FET)', driver: null },
  { vendor: '1a86', product: null, name: 'CH340 adapter: Riden, RDTech, boards', driver: null },
  { vendor: '10c4', product: 'ea60', name: 'CP210x adapter', driver: null },
  { vendor: '0403', product: null, name: 'FTDI adapter', driver: null },
];

export interface FoundPort {
  address: string;
  usb: SerialPortInfo | null;
  /** By its USB identity; null when that says nothing. */
  probably: { name: string; driver: string | null } | null;
  /** What was there when it was last asked. */
  remembered: { name: string; driver: string } | null;
}

/** What a port's USB identity says; exported for its test. */
export function likelyInstrument(info: SerialPortInfo): FoundPort['probably'] {
  const vendor = info.vendorId?.toLowerCase();
  const product = info.productId?.toLowerCase();
  const found = USB_IDENTITIES.find(
    (each) => each.vendor === vendor && (each.product === null || each.product === product),
  );
  return found === undefined ? null : { name: found.name, driver: found.driver };
}

/** Every serial port of this machine with its identity. Sends nothing. */
export async function listPorts(): Promise<FoundPort[]> {
  const [ports, known] = await Promise.all([listSerialPorts(), knownInstruments()]);
  return ports.map((info) => {
    const remembered = known.find(({ key }) => key === instrumentKey(info.path, info));
    return {
      address: info.path,
      usb: info,
      probably: likelyInstrument(info),
      remembered: remembered === undefined ? null : { name: remembered.name, driver: remembered.driver },
    };
  });
}

export interface ProbedPort {
  address: string;
  driver: string | null;
  identity: SupplyIdentity | null;
  /** Why nothing was found. */
  reason: string | null;
}

/**
 * Asks one port what is there, with questions that switch nothing on, and remembers the answer.
 *
 * @param address serial port or tcp:HOST:PORT
 */
export async function probePort(address: string): Promise<ProbedPort> {
  const info = address.startsWith('tcp:')
    ? undefined
    : (await listSerialPorts()).find(({ path }) => path === address);
  const hint = info === undefined ? null : likelyInstrument(info);
  const probes = hint?.driver === 'ppk2' ? PROBES.filter(({ baudRate }) => baudRate === null) : PROBES;
  let reason: string | null = null;
  for (const each of probes) {
    let port: Port | null = null;
    try {
      port = await open(address, each.baudRate ?? 115_200);
      const found = await probe(port, each);
      if (found !== null) {
        const name = `${found.identity.manufacturer} ${found.identity.model}`.trim();
        if (found.driver !== null) {
          await rememberInstrument({ key: instrumentKey(address, info), driver: found.driver, name });
        }
        return { address, driver: found.driver ?? 'scpi', identity: found.identity, reason: null };
      }
    } catch (error) {
      reason = error instanceof RunError ? error.message : String(error);
      break;
    } finally {
      await port?.close();
    }
  }
  return { address, driver: null, identity: null, reason: reason ?? 'nothing there answers any question' };
}

function open(address: string, baudRate: number): Promise<Port> {
  const match = /^tcp:(\[[0-9a-f:]+\]|[^:[\]]+):(\d{1,5})$/i.exec(address);
  return match === null
    ? openSerialPort(address, baudRate)
    : openTcpPort(match[1].replace(/[[\]]/g, ''), Number(match[2]));
}

/** The driver remembered for an address; null when it was never asked. */
export async function rememberedDriver(address: string): Promise<string | null> {
  const known = await knownInstruments();
  if (known.length === 0) {
    return null;
  }
  const info = address.startsWith('tcp:')
    ? undefined
    : (await listSerialPorts()).find(({ path }) => path === address);
  return known.find(({ key }) => key === instrumentKey(address, info))?.driver ?? null;
}
