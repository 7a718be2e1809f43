import { ELF_MACHINE_ARM, type ProgramTarget } from '../../images/targets.js';

/** What has to be known of a chip to flash it through its boot loader. */
export interface Stm32Device {
  /** Product id that the loader gives. */
  id: number;
  name: string;
  /** Largest flash of the family; a smaller member refuses what lies beyond its own. */
  flashBytes: number;
  /** Erasable pages from the beginning of flash: so many of so many bytes each, in order. */
  pages: readonly { count: number; bytes: number }[];
  sramBytes: number;
  /** What an erased byte reads as. */
  erasedByte: number;
}

export const STM32_FLASH_ADDRESS = 0x08000000;
export const STM32_SRAM_ADDRESS = 0x20000000;

const KIB = 1024;

function uniform(
  id: number,
  name: string,
  flashKib: number,
  pageBytes: number,
  sramKib: number,
  erasedByte = 0xff,
): Stm32Device {
  const flashBytes = flashKib * KIB;
  return {
    id,
    name,
    flashBytes,
    pages: [{ count: flashBytes / pageBytes, bytes: pageBytes }],
    sramBytes: sramKib * KIB,
    erasedByte,
  };
}

/** Families whose sectors grow: four of 16 KiB, one of 64 KiB, then 128 KiB (RM0090, RM0368, RM0383, RM0390). */
function sectored(id: number, name: string, flashKib: number, sramKib: number): Stm32Device {
  return {
    id,
    name,
    flashBytes: flashKib * KIB,
    pages: [
      { count: 4, bytes: 16 * KIB },
      { count: 1, bytes: 64 * KIB },
      { count: (flashKib - 128) / 128, bytes: 128 * KIB },
    ],
    sramBytes: sramKib * KIB,
    erasedByte: 0xff,
  };
}

/**
 * Chips that the flasher knows: ids from ST AN2606 (table of product ids), memories from the reference manuals. None was
 * tried on silicon.
 */
export const STM32_DEVICES: readonly Stm32Device[] = [
  uniform(0x412, 'STM32F10x low density', 32, KIB, 10),
  uniform(0x410, 'STM32F10x medium density', 128, KIB, 20),
  uniform(0x414, 'STM32F10x high density', 512, 2 * KIB, 64),
  uniform(0x444, 'STM32F03x', 32, KIB, 4),
  uniform(0x440, 'STM32F05x', 64, KIB, 8),
  sectored(0x433, 'STM32F401xD/E', 512, 96),
  sectored(0x431, 'STM32F411', 512, 128),
  sectored(0x421, 'STM32F446', 512, 128),
  sectored(0x413, 'STM32F405/407/415/417', 1024, 128),
  uniform(0x466, 'STM32G03x/04x', 64, 2 * KIB, 8),
  uniform(0x460, 'STM32G07x/08x', 128, 2 * KIB, 36),
  uniform(0x468, 'STM32G43x/44x', 128, 2 * KIB, 32),
  uniform(0x469, 'STM32G47x/48x', 512, 2 * KIB, 128),
  uniform(0x417, 'STM32L05x/06x', 64, 128, 8, 0x00),
  uniform(0x447, 'STM32L07x/08x', 192, 128, 20, 0x00),
  uniform(0x435, 'STM32L43x/44x', 256, 2 * KIB, 64),
  uniform(0x462, 'STM32L45x/46x', 512, 2 * KIB, 160),
  uniform(0x415, 'STM32L47x/48x', 1024, 2 * KIB, 96),
  uniform(0x461, 'STM32L49x/4Ax', 1024, 2 * KIB, 320),
  uniform(0x470, 'STM32L4R/4S', 2048, 4 * KIB, 640),
  uniform(0x482, 'STM32U575/585', 2048, 8 * KIB, 768),
  uniform(0x495, 'STM32WB55', 1024, 4 * KIB, 192),
];

export interface Page {
  /** As the erase commands count them. */
  number: number;
  address: number;
  bytes: number;
}

/** Every page of the chip's flash, by address. */
export function pagesOf(device: Stm32Device): Page[] {
  const pages: Page[] = [];
  let address = STM32_FLASH_ADDRESS;
  for (const { count, bytes } of device.pages) {
    for (let index = 0; index < count; index++) {
      pages.push({ number: pages.length, address, bytes });
      address += bytes;
    }
  }
  return pages;
}

/** Program files for such a chip. Only its flash can be loaded: the loader itself lives in the first of its SRAM. */
export function stm32Target(device: Stm32Device): ProgramTarget {
  return {
    name: device.name,
    memory: [{ kind: 'flash', address: STM32_FLASH_ADDRESS, bytes: device.flashBytes }],
    binaryAddress: STM32_FLASH_ADDRESS,
    elfMachine: ELF_MACHINE_ARM,
    uf2Family: null,
  };
}
