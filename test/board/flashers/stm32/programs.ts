import {
  STM32_FLASH_ADDRESS,
  STM32_SRAM_ADDRESS,
} from '../../../../src-main/board/flashers/stm32/devices.js';
import { seededRandom } from '../../../support/random.js';

/** Raw flash content that an STM32 could start: a vector table, then random bytes. */
export function stm32Program(bytes: number, seed = 1): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const program = Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256));
  const view = new DataView(program.buffer);
  view.setUint32(0, STM32_SRAM_ADDRESS + 4096, true);
  view.setUint32(4, STM32_FLASH_ADDRESS + 0x101, true);
  return program;
}
