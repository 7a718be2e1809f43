import { ELF_MACHINE_MSP430, type ProgramTarget } from '../../images/targets.js';

export interface Msp430Device {
  /** Device id in the descriptor table. */
  id: number;
  name: string;
  /** Main FRAM, vectors and signatures at its end within the first 64 KiB included. */
  mainAddress: number;
  mainBytes: number;
}

/** Where the descriptor table holds the device id (two bytes, low first): the chips' datasheets, "Device Descriptors". */
export const DEVICE_ID_ADDRESS = 0x1a04;
/** Interrupt vectors, which are also the password; the last of them is the reset vector. */
export const VECTORS_ADDRESS = 0xffe0;
export const RESET_VECTOR_ADDRESS = 0xfffe;
/** JTAG and boot loader signatures (SLAU367, "JTAG and BSL signatures"): what stands there can lock the chip for good. */
export const SIGNATURES = { address: 0xff80, bytes: 8 } as const;

/** Ids and memories from the datasheets (SLASE54, SLAS704, SLAS789, SLAS639). None was tried on silicon. */
export const MSP430_DEVICES: readonly Msp430Device[] = [
  { id: 0x82a1, name: 'MSP430FR5994', mainAddress: 0x4000, mainBytes: 0x40000 },
  { id: 0x8169, name: 'MSP430FR5969', mainAddress: 0x4400, mainBytes: 0xfc00 },
  { id: 0x81a8, name: 'MSP430FR6989', mainAddress: 0x4400, mainBytes: 0x1fc00 },
  { id: 0x8103, name: 'MSP430FR5739', mainAddress: 0xc200, mainBytes: 0x3e00 },
];

/** Program files for such a chip: its main FRAM. */
export function msp430Target(device: Msp430Device): ProgramTarget {
  return {
    name: device.name,
    memory: [{ kind: 'flash', address: device.mainAddress, bytes: device.mainBytes }],
    binaryAddress: device.mainAddress,
    elfMachine: ELF_MACHINE_MSP430,
    uf2Family: null,
  };
}
