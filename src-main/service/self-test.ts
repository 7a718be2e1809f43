/** `brownout self-test`: a board, real or virtual, examined over its serial link. */
import { BoardLink } from '../board/link/board-link.js';
import { prebuiltFirmware } from '../board/prebuilt.js';
import { boardProfile } from '../board/profiles/index.js';
import { selfTest, type SelfTestCheck } from '../board/self-test.js';
import { openSerialPort } from '../board/serial-port.js';
import type { BoardFaults } from '../board/virtual/board-faults.js';
import { VirtualBoardPort } from '../board/virtual/virtual-board-port.js';
import { createVirtualPico } from '../board/virtual/virtual-pico.js';

export type { SelfTestCheck };

/** In the vector table of the firmware, of an interrupt that it does not use: the board still runs. */
const UNUSED_VECTOR = 0x1a4;

/** Faults that the virtual board can be given, to see what the self-test says of them. */
export const VIRTUAL_FAULTS = {
  none: {},
  'nvm-absent': { nvm: 'absent' },
  'nvm-stuck-bit': { nvm: { stuckBits: 0x10 } },
  'nvm-small': { nvm: { bytes: 128 * 1024 } },
  'adc-shorted': { adc: 'shorted' },
  'adc-open': { adc: 'open' },
  'flash-other': { flash: 'unidentified' },
  'flash-damaged': { flashByte: UNUSED_VECTOR },
  'link-noise': { serialByteErrorEvery: 1500 },
} as const satisfies Record<string, BoardFaults>;

export type VirtualFault = keyof typeof VIRTUAL_FAULTS;

export type SelfTestRequest = { board: string } & (
  { kind: 'serial'; portPath: string } | { kind: 'virtual'; fault: VirtualFault }
);

/** @throws InputError for a port that is not there; RunError when the board does not answer */
export async function runSelfTest(request: SelfTestRequest): Promise<SelfTestCheck[]> {
  const profile = boardProfile(request.board);
  const firmware = await prebuiltFirmware(profile);
  if (request.kind === 'serial') {
    const port = await openSerialPort(request.portPath, profile.serialBaud);
    try {
      return await selfTest(new BoardLink(port), { profile, firmware });
    } finally {
      await port.close();
    }
  }
  const board = createVirtualPico({ firmware, profile, seed: 1, faults: VIRTUAL_FAULTS[request.fault] });
  board.setCapacitorVolts(profile.power.turnOnVolts.value);
  board.powerOn();
  return selfTest(new BoardLink(new VirtualBoardPort(board)), { profile, firmware });
}
