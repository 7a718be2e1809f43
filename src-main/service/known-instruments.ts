/** What was found at which port, remembered for this bench in a small file of the data folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { dataFolder } from '../common/data-folder.js';
import { makeFolder } from '../common/make-folder.js';
import { writeWhole } from '../common/write-whole.js';
import type { SerialPortInfo } from '../board/serial-port.js';

const Known = z.object({
  /** USB vendor:product:serial, which stays when it is plugged in elsewhere; else the address itself. */
  key: z.string(),
  driver: z.string(),
  name: z.string(),
});

export type KnownInstrument = z.infer<typeof Known>;

function file(): string {
  return join(dataFolder(), 'instruments.json');
}

/** How an instrument is found again. */
export function instrumentKey(address: string, info: SerialPortInfo | undefined): string {
  return info?.vendorId && info.serialNumber
    ? `usb:${info.vendorId}:${info.productId ?? ''}:${info.serialNumber}`.toLowerCase()
    : address;
}

/** Empty when nothing is known, or when the file is none of ours. */
export async function knownInstruments(): Promise<KnownInstrument[]> {
  try {
    return z.array(Known).parse(JSON.parse(await readFile(file(), 'utf8')));
  } catch {
    return [];
  }
}

export async function rememberInstrument(instrument: KnownInstrument): Promise<void> {
  const others = (await knownInstruments()).filter(({ key }) => key !== instrument.key);
  await makeFolder(dataFolder());
  await writeWhole(file(), `${JSON.stringify([...others, instrument], null, 2)}\n`);
}
