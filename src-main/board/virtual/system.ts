import { BasePeripheral, type RP2040 } from 'rp2040js';
import type { CycleClock } from './cycle-clock.js';

/** The small system blocks of the RP2040 that rp2040js lacks or makes too easy. */

/** RESETS, datasheet section 2.14: at power-on everything but the QSPI pads and their pin functions is held in reset. */
const RESET_AT_POWER_ON = 0x01ffffff & ~((1 << 6) | (1 << 9));
/** Reset bit by peripheral page (address >>> 14). */
const RESET_BITS: Readonly<Record<number, number | undefined>> = Object.fromEntries(
  [
    [0x4004c000, 0],
    [0x50000000, 2],
    [0x40044000, 3],
    [0x40048000, 4],
    [0x40014000, 5],
    [0x4001c000, 8],
    [0x50200000, 10],
    [0x50300000, 11],
    [0x40028000, 12],
    [0x4002c000, 13],
    [0x40050000, 14],
    [0x4005c000, 15],
    [0x4003c000, 16],
    [0x40040000, 17],
    [0x40054000, 21],
    [0x40034000, 22],
    [0x40038000, 23],
    [0x50110000, 24],
  ].map(([address, bit]) => [address >>> 14, bit]),
);

export class Resets extends BasePeripheral {
  private held = RESET_AT_POWER_ON;

  constructor(rp2040: RP2040) {
    super(rp2040, 'RESETS');
  }

  /** True when the peripheral at this address is still in reset. */
  holds(address: number): boolean {
    const bit = RESET_BITS[address >>> 14];
    return bit !== undefined && (this.held & (1 << bit)) !== 0;
  }

  override readUint32(offset: number): number {
    switch (offset) {
      case 0x0:
        return this.held;
      case 0x8:
        return ~this.held & 0x01ffffff;
      default:
        return super.readUint32(offset);
    }
  }

  override writeUint32(offset: number, value: number): void {
    if (offset === 0) {
      this.held = value & 0x01ffffff;
    } else {
      super.writeUint32(offset, value);
    }
  }
}

/** Crystal oscillator: stable STARTUP x 256 cycles after it is enabled, datasheet section 2.16.3. */
export class CrystalOscillator extends BasePeripheral {
  private control = 0;
  private startup = 0xc4;
  private stableTicks = Infinity;

  constructor(
    rp2040: RP2040,
    private readonly clock: CycleClock,
    private readonly tickHertz: number,
    private readonly crystalHertz: number,
  ) {
    super(rp2040, 'XOSC');
  }

  override readUint32(offset: number): number {
    switch (offset) {
      case 0x0:
        return this.control;
      case 0x4: {
        const enabled = this.stableTicks < Infinity;
        return (this.clock.ticks >= this.stableTicks ? 0x80000000 : 0) | (enabled ? 0x1000 : 0);
      }
      case 0xc:
        return this.startup;
      default:
        return super.readUint32(offset);
    }
  }

  override writeUint32(offset: number, value: number): void {
    switch (offset) {
      case 0x0:
        this.control = value;
        this.stableTicks =
          value >>> 12 === 0xfab
            ? this.clock.ticks + (256 * (this.startup & 0x3fff) * this.tickHertz) / this.crystalHertz
            : Infinity;
        break;
      case 0xc:
        this.startup = value;
        break;
      default:
        super.writeUint32(offset, value);
    }
  }
}

/** IO_QSPI: only the output override of the flash chip select does anything. Datasheet section 2.19.6.2. */
export class QspiPins extends BasePeripheral {
  private readonly control = new Uint32Array(6).fill(0);

  constructor(
    rp2040: RP2040,
    private readonly onSelect: (low: boolean | null) => void,
  ) {
    super(rp2040, 'IO_QSPI');
  }

  override readUint32(offset: number): number {
    return offset < 8 * this.control.length && offset & 4
      ? this.control[offset >>> 3]
      : super.readUint32(offset);
  }

  override writeUint32(offset: number, value: number): void {
    if (offset >= 8 * this.control.length || !(offset & 4)) {
      super.writeUint32(offset, value);
      return;
    }
    this.control[offset >>> 3] = value;
    if (offset >>> 3 === 1) {
      const override = (value >>> 8) & 3;
      this.onSelect(override === 2 ? true : override === 3 ? false : null);
    }
  }
}

/** XIP control: flushing the cache. Datasheet section 2.6.3.6. */
export class XipControl extends BasePeripheral {
  constructor(
    rp2040: RP2040,
    private readonly onFlush: () => void,
  ) {
    super(rp2040, 'XIP_CTRL');
  }

  override readUint32(offset: number): number {
    return offset === 0x4 ? 1 : super.readUint32(offset);
  }

  override writeUint32(offset: number, value: number): void {
    if (offset === 0x4) {
      this.onFlush();
    } else {
      super.writeUint32(offset, value);
    }
  }
}

/** WATCHDOG: only the tick generator, which the timer needs; counted from its start as in datasheet section 4.7.2. */
export class TickGenerator extends BasePeripheral {
  private tick = 0x200;

  constructor(rp2040: RP2040) {
    super(rp2040, 'WATCHDOG');
  }

  override readUint32(offset: number): number {
    return offset === 0x2c ? this.tick | 0x400 : super.readUint32(offset);
  }

  override writeUint32(offset: number, value: number): void {
    if (offset === 0x2c) {
      this.tick = value & 0x3ff;
    } else if (offset === 0 && value & 0x80000000) {
      this.warn('reset of the whole chip: a fault handler gave up');
    } else {
      super.writeUint32(offset, value);
    }
  }
}
