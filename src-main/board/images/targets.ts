/** What a program file can be for: memory, machine and family numbers, by which a file for another chip is recognised. */

export interface MemoryRegion {
  kind: 'flash' | 'sram';
  address: number;
  bytes: number;
}

export interface ProgramTarget {
  /** As a person calls it. */
  name: string;
  /** Where a program file may have bytes. */
  memory: readonly MemoryRegion[];
  /** Where raw binary content begins: the beginning of the program memory. */
  binaryAddress: number;
  /** `e_machine` of its ELF files. */
  elfMachine: number;
  /** Family number of its UF2 files; null where there is no such thing. */
  uf2Family: number | null;
}

/** ELF for the Arm architecture, and the registry of ELF machine numbers. */
export const ELF_MACHINE_ARM = 40;
export const ELF_MACHINE_MSP430 = 105;

/** RP2040 datasheet, section 2.2: address map. */
export const FLASH_ADDRESS = 0x10000000;
export const SRAM_ADDRESS = 0x20000000;
export const SRAM_BYTES = 264 * 1024;

export const RP2040_TARGET: ProgramTarget = {
  name: 'RP2040 (Raspberry Pi Pico)',
  memory: [
    { kind: 'flash', address: FLASH_ADDRESS, bytes: 16 * 1024 * 1024 },
    { kind: 'sram', address: SRAM_ADDRESS, bytes: SRAM_BYTES },
  ],
  binaryAddress: FLASH_ADDRESS,
  elfMachine: ELF_MACHINE_ARM,
  uf2Family: 0xe48bff56,
};
