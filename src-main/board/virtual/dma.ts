import { BasePeripheral, type RP2040 } from 'rp2040js';
import { DREQ_XIP_SSIRX, type Ssi } from './ssi.js';

/** Registers of a channel and their aliases: RP2040 datasheet, section 2.5.7. */
const CHANNEL_BYTES = 0x40;
const CHANNELS = 12;
const WRITE_ADDRESS = 0x04;
const TRANSFER_COUNT = 0x08;
const CONTROL = 0x0c;
const CONTROL_INCREMENT_WRITE = 1 << 5;
const SRAM_BASE = 0x20000000;

/**
 * The DMA controller is rp2040js'; this stands in front of it, so that transfers from the SSI's receive FIFO are up to date
 * when somebody looks at their registers.
 *
 * Memory that such a channel is about to fill is garbage from the moment the channel starts: on a chip it would hold what was
 * there before for a while, so that a program that reads too early, or starts a transfer into memory that it still uses, would
 * fail now and then. Here it fails always.
 */
export class Dma extends BasePeripheral {
  /** @param spoil called with offset and bytes in SRAM */
  constructor(
    rp2040: RP2040,
    private readonly ssi: Ssi,
    private readonly spoil: (offset: number, bytes: number) => void,
  ) {
    super(rp2040, 'DMA');
  }

  override readUint32(offset: number): number {
    this.ssi.advance();
    return this.rp2040.dma.readUint32(offset);
  }

  override writeUint32Atomic(offset: number, value: number, kind: number): void {
    this.ssi.advance();
    const { dma } = this.rp2040;
    const waiting = this.waiting();
    dma.writeUint32Atomic(offset, value, kind);
    for (const index of this.waiting()) {
      if (!waiting.includes(index)) {
        this.spoilTarget(index);
      }
    }
    this.ssi.advance();
  }

  override writeUint32(offset: number, value: number): void {
    this.writeUint32Atomic(offset, value, 0);
  }

  /** Channels that have started and wait for the SSI. */
  private waiting(): number[] {
    return this.rp2040.dma.channels
      .slice(0, CHANNELS)
      .filter(({ treq, active }) => treq === DREQ_XIP_SSIRX && active)
      .map(({ index }) => index);
  }

  private spoilTarget(index: number): void {
    const { dma } = this.rp2040;
    const register = (offset: number) => dma.readUint32(CHANNEL_BYTES * index + offset);
    const control = register(CONTROL);
    if (control & CONTROL_INCREMENT_WRITE) {
      this.spoil(
        (register(WRITE_ADDRESS) - SRAM_BASE) >>> 0,
        register(TRANSFER_COUNT) << ((control >>> 2) & 3),
      );
    }
  }
}
