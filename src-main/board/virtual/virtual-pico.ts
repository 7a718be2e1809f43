import { GPIOPinState, RP2040 } from 'rp2040js';
import { InputError, RunError } from '../../common/errors.js';
import type { BoardProfile } from '../profile.js';
import type { BoardSlice, CommitObservation, PowerState, VirtualBoard } from '../virtual-board.js';
import { ClockBlock, SystemPll } from './clock-block.js';
import { CycleClock } from './cycle-clock.js';
import type { ProgramSegment } from '../images/program-image.js';
import type { BoardFaults } from './board-faults.js';
import { BootRom, ROM_BYTES } from './boot-rom.js';
import { BoardFault, hex } from './fault.js';
import { Dma } from './dma.js';
import { Fram } from './fram.js';
import { PowerMeter } from './power-meter.js';
import { NoiseSource } from './random.js';
import { Snapshot } from './snapshot.js';
import { SpiController } from './spi.js';
import { Ssi } from './ssi.js';
import { CrystalOscillator, QspiPins, Resets, TickGenerator, XipControl } from './system.js';
import { ThumbExecutor } from './thumb-executor.js';
import { Timer } from './timer.js';
import { Uart } from './uart.js';
import { W25q16 } from './w25q16.js';
import { XipCache } from './xip-cache.js';

export interface VirtualPicoOptions {
  /** Flash content from offset 0: firmware/prebuilt/pico-fram.bin. */
  firmware: Uint8Array;
  profile: BoardProfile;
  /** Of the noise in SRAM after power-on and in flash after an interrupted erase. */
  seed: number;
  /** Set for programs of others: `firmware` may fill the flash, and the boot ROM can be called. */
  foreign?: ForeignProgram;
  /** What is broken on this board; nothing when left out. */
  faults?: BoardFaults;
  /** Flash answers at once, as in measurements on simulators without its wait states. Default: it takes its time. */
  flashWithoutWaitStates?: boolean;
}

export interface ForeignProgram {
  /** Put into SRAM at every power-on, as a debugger would. */
  sram: readonly ProgramSegment[];
  /** Where a program in SRAM starts; null: through the boot stage in flash. */
  entry: number | null;
  /** Told, once each, what the program did that this model does not know. */
  onNote: (note: string) => void;
}

/** What the simulation counts beside what the rail and the serial line see. */
export interface VirtualPico extends VirtualBoard {
  /** Seconds spent in each state since power-on; null while it is off. */
  readonly stateSeconds: Readonly<Record<PowerState, number>> | null;
  /** Since construction. */
  readonly instructions: number;
  /** CPU cycles executed since power-on, wait states included, sleep and start-up not. */
  readonly executedCycles: number;
  readonly cacheMisses: number;
  /** From 0x20000000; filled with noise at every power-on. */
  readonly sram: Uint8Array;
  /** Since power-on. */
  readonly simulatedSeconds: number;
}

const SRAM_BASE = 0x20000000;
/** Single-cycle I/O: datasheet section 2.3.1.7. */
const SIO_BASE = 0xd0000000;
const SIO_LAST = 0x17c;
const BOOT_BYTES = 256;
/** Where the boot ROM puts the second-stage boot loader: datasheet section 2.8.1.2. */
const BOOT_OFFSET_IN_SRAM = 0x41f00;
const PIN_FRAM_SELECT = 17;
const SPOILED_BYTE = 0xa5;
const CAPACITOR_CHANNEL = 0;
/** System control register of the core, and its bit that lets clocks be gated while it sleeps: section 2.4.8. */
const SCB_SCR = 0xe000ed10;
const SCR_SLEEPDEEP = 1 << 2;

/** Places of rp2040js' peripheral table that are ours: (address >>> 14) << 2. */
const PAGE = {
  xipControl: 0x14000,
  ssi: 0x18000,
  clocks: 0x40008,
  resets: 0x4000c,
  qspiPins: 0x40018,
  crystal: 0x40024,
  pllSys: 0x40028,
  uart: 0x40034,
  spi: 0x4003c,
  dma: 0x50000,
  timer: 0x40054,
  watchdog: 0x40058,
} as const;

/** The parts that are made anew at every power-on. */
interface Powered {
  clocks: ClockBlock;
  meter: PowerMeter;
  /** System control register. */
  scr: number;
  resets: Resets;
  uart: Uart;
  spi: SpiController;
  fram: Fram;
  flash: W25q16;
  startupTicks: number;
}

/**
 * A Raspberry Pi Pico with SPI FRAM, running the firmware image of the real board instruction by instruction.
 *
 * The first part of every power cycle is the start-up of the profile: boot ROM and supply, spent in `run` before the first
 * instruction of the second-stage boot loader.
 *
 * @throws InputError when the firmware is not an image for this board
 */
export function createVirtualPico(options: VirtualPicoOptions): VirtualPico {
  return new Pico(options);
}

class Pico implements VirtualPico {
  readonly clockHertz: number;
  readonly flash: Uint8Array<ArrayBuffer>;
  readonly nvm: Uint8Array;
  onCommit: ((observation: CommitObservation) => void) | null = null;

  private readonly profile: BoardProfile;
  private readonly flashWithoutWaitStates: boolean;
  private readonly noise: NoiseSource;
  private readonly clock: CycleClock;
  private readonly rp2040: RP2040;
  private readonly cache = new XipCache();
  private readonly executor: ThumbExecutor;
  private readonly freshChip: Snapshot;
  private powered: Powered | null = null;
  private transmitted: number[] = [];
  private capacitorSteps = 0;
  private readonly foreign: ForeignProgram | null;
  private readonly faults: BoardFaults;
  private readonly rom: BootRom | null;
  private readonly notes = new Set<string>();
  private sentBytes = 0;

  constructor({ firmware, profile, seed, foreign, faults, flashWithoutWaitStates }: VirtualPicoOptions) {
    this.foreign = foreign ?? null;
    this.faults = faults ?? {};
    this.rom = foreign ? new BootRom(profile.timing) : null;
    if (!foreign && (firmware.length < BOOT_BYTES || firmware.length > profile.flashMap.imageOffset)) {
      throw new InputError({
        code: 'firmware-size',
        place: 'virtual board',
        message: `the firmware has ${firmware.length} bytes; between ${BOOT_BYTES} and ${profile.flashMap.imageOffset} are possible`,
        remedy: 'Use firmware/prebuilt/pico-fram.bin.',
      });
    }
    this.profile = profile;
    this.flashWithoutWaitStates = flashWithoutWaitStates ?? false;
    this.clockHertz = profile.clockHertz;
    this.noise = new NoiseSource(seed);
    this.flash = new Uint8Array(profile.flashBytes).fill(0xff);
    this.flash.set(firmware);
    if (this.faults.flashByte !== undefined) {
      this.flash[this.faults.flashByte] ^= 0x01;
    }
    this.nvm = new Uint8Array(profile.nvmBytes);
    this.clock = new CycleClock(profile.clockHertz);
    this.rp2040 = this.createChip();
    this.executor = new ThumbExecutor(
      this.rp2040.core,
      this.clock,
      this.cache,
      {
        read: (address, bytes) => this.readBus(address, bytes),
        write: (address, value, bytes) => this.writeBus(address, value, bytes),
      },
      this.rp2040.sram,
      this.flash,
      profile.timing,
    );
    this.executor.rom = this.rom;
    const { rp2040 } = this;
    this.freshChip = new Snapshot(rp2040, [
      this.clock,
      rp2040.sram,
      rp2040.flash,
      rp2040.bootrom,
      rp2040.usbDPRAM,
      rp2040.logger,
    ]);
  }

  get instructions(): number {
    return this.executor.instructions;
  }

  get executedCycles(): number {
    return this.clock.executedCycles;
  }

  get sram(): Uint8Array {
    return this.rp2040.sram;
  }

  get cacheMisses(): number {
    return this.cache.misses;
  }

  get stateSeconds(): Readonly<Record<PowerState, number>> | null {
    const { powered, clockHertz } = this;
    if (!powered) {
      return null;
    }
    powered.meter.advance(this.clock.ticks);
    const { startup, active, waiting, resting } = powered.meter.stateTicks;
    return {
      startup: startup / clockHertz,
      active: active / clockHertz,
      waiting: waiting / clockHertz,
      resting: resting / clockHertz,
    };
  }

  get simulatedSeconds(): number {
    return this.clock.ticks / this.clockHertz;
  }

  powerOn(): void {
    if (this.powered) {
      return;
    }
    const { rp2040, clock, clockHertz } = this;
    this.freshChip.restore();
    const { timing } = this.profile;
    clock.reset(timing.ringOscillatorHertz.value);
    rp2040.clkSys = timing.ringOscillatorHertz.value;
    rp2040.clkPeri = 0;
    rp2040.adc.channelValues[CAPACITOR_CHANNEL] = this.capacitorSteps;
    this.noise.fill(new Int32Array(rp2040.sram.buffer));
    this.cache.flush();
    this.executor.sleeping = false;
    this.executor.flashVisible = 0;
    this.transmitted = [];

    const fram = new Fram(this.nvm, (observation) => this.onCommit?.(observation), this.faults.nvm ?? null);
    const flash = new W25q16(
      this.flash,
      clockHertz,
      this.noise,
      timing,
      this.faults.flash === 'unidentified',
    );
    const resets = new Resets(rp2040);
    const clocks = new ClockBlock(rp2040);
    const meter = new PowerMeter(this.profile.power, clockHertz);
    meter.enter('startup', 0, timing.ringOscillatorHertz.value);
    const uart = new Uart(
      rp2040,
      clock,
      clockHertz,
      this.foreign ? null : this.profile.serialBaud,
      timing.baudTolerance.value,
      (byte) => this.transmit(byte),
      () => !(this.executor.sleeping && this.sleepsDeeply && clocks.uartSleeps),
    );
    const spi = new SpiController(rp2040, clock, clockHertz, timing.nvmMaximumHertz.value, (byte) =>
      fram.exchange(byte),
    );
    const onXip = (missCycles: number | null) => {
      this.executor.flashVisible = missCycles === null ? 0 : this.flash.length;
      this.cache.missCycles = this.flashWithoutWaitStates ? 0 : (missCycles ?? 0);
    };
    const ssi = new Ssi(rp2040, clock, clockHertz, flash, timing, onXip, this.flashWithoutWaitStates);
    const { peripherals } = rp2040;
    peripherals[PAGE.clocks] = clocks;
    peripherals[PAGE.pllSys] = new SystemPll(rp2040, clock, timing.pllLockSeconds.value * clockHertz);
    peripherals[PAGE.resets] = resets;
    peripherals[PAGE.uart] = uart;
    peripherals[PAGE.spi] = spi;
    peripherals[PAGE.ssi] = ssi;
    peripherals[PAGE.dma] = new Dma(rp2040, ssi, (offset, bytes) => this.spoil(offset, bytes));
    peripherals[PAGE.xipControl] = new XipControl(rp2040, () => this.cache.flush());
    peripherals[PAGE.qspiPins] = new QspiPins(rp2040, (low) => ssi.forceSelect(low));
    peripherals[PAGE.crystal] = new CrystalOscillator(rp2040, clock, clockHertz, timing.crystalHertz.value);
    peripherals[PAGE.timer] = new Timer(rp2040, clock, clockHertz / 1e6);
    peripherals[PAGE.watchdog] = new TickGenerator(rp2040);

    const startupTicks = Math.round(this.profile.power.startupSeconds.value * clockHertz);
    this.powered = { clocks, meter, scr: 0, resets, uart, spi, fram, flash, startupTicks };
    this.handOver();
  }

  powerOff(): void {
    const { powered } = this;
    if (!powered) {
      return;
    }
    // What was clocked into the memories until this moment is in them, not one bit more.
    powered.spi.shifter.advance();
    powered.flash.powerOff(this.clock.ticks);
    this.powered = null;
    this.transmitted = [];
  }

  run(maximumCycles: number): BoardSlice {
    const { powered, clock, executor } = this;
    if (!powered) {
      throw new Error('a virtual board without power was asked to run');
    }
    const begin = clock.ticks;
    const end = begin + maximumCycles;
    const { power } = this.profile;
    const { meter } = powered;
    if (powered.startupTicks > 0) {
      const startupTicks = Math.min(powered.startupTicks, maximumCycles);
      powered.startupTicks -= startupTicks;
      // The start-up is over before anything else is scheduled, so time may simply pass.
      clock.skipTo(begin + startupTicks);
      if (powered.startupTicks === 0) {
        meter.enter('active', clock.ticks, this.rp2040.clkSys);
      }
    }
    try {
      while (clock.ticks < end && this.transmitted.length === 0) {
        clock.fireDue();
        if (this.transmitted.length > 0) {
          // Whoever asked gets the byte now; a sleep that begins here may last until the very end.
          break;
        }
        if (executor.sleeping) {
          if (executor.wakes) {
            executor.sleeping = false;
            meter.enter('active', clock.ticks, this.rp2040.clkSys);
            continue;
          }
          clock.skipTo(Math.min(end, Math.max(clock.ticks, clock.nextAlarmTicks)));
          continue;
        }
        clock.setLimit(end);
        executor.run();
        if (executor.sleeping) {
          this.fallAsleep(powered);
        }
      }
      clock.fireDue();
    } catch (error) {
      throw this.explain(error);
    }
    const now = clock.ticks;
    powered.spi.shifter.advance();
    const cycles = now - begin;
    meter.advance(now);
    let coulombTicks = meter.takeCoulombTicks();
    coulombTicks += powered.fram.takeSelectedTicks(now) * power.nvmAmps.value;
    coulombTicks += powered.flash.takeBusyTicks(now) * power.flashProgramAmps.value;
    const transmitted = Uint8Array.from(this.transmitted);
    this.transmitted = [];
    return { cycles, railCoulombs: coulombTicks / this.clockHertz, transmitted };
  }

  receive(bytes: Uint8Array): void {
    this.powered?.uart.feed(bytes);
  }

  setCapacitorVolts(volts: number): void {
    const { adcBits, adcReferenceVolts, capacitorDivider } = this.profile.timing;
    const full = 2 ** adcBits.value;
    const steps = Math.round((volts / capacitorDivider.value / adcReferenceVolts.value) * full);
    const { adc } = this.faults;
    this.capacitorSteps =
      adc === 'shorted' ? 0 : adc === 'open' ? full - 1 : Math.min(full - 1, Math.max(0, steps));
    this.rp2040.adc.channelValues[CAPACITOR_CHANNEL] = this.capacitorSteps;
  }

  private createChip(): RP2040 {
    const rp2040 = new RP2040(this.clock);
    const { flash } = this;
    // The 2 MB of the board instead of rp2040js' 16 MB, seen by its own accesses (exception vectors) too.
    Object.defineProperties(rp2040, {
      flash: { value: flash },
      flash16: { value: new Uint16Array(flash.buffer) },
      flashView: { value: new DataView(flash.buffer) },
    });
    const refuse = (component: string, message: string) => {
      if (!this.foreign) {
        throw new BoardFault(`${component}: ${message}`);
      }
      this.note(`${component}: ${message}`);
    };
    rp2040.logger = { debug: () => undefined, info: () => undefined, warn: refuse, error: refuse };
    rp2040.addClockListener((hertz) => {
      this.clock.setCpuHertz(hertz);
      this.powered?.meter.enter('active', this.clock.ticks, hertz);
    });
    rp2040.gpio[PIN_FRAM_SELECT].addListener((state) => {
      const { powered } = this;
      powered?.spi.shifter.advance();
      powered?.fram.select(state === GPIOPinState.Low, this.clock.ticks);
    });
    return rp2040;
  }

  private get sleepsDeeply(): boolean {
    return ((this.powered?.scr ?? 0) & SCR_SLEEPDEEP) !== 0;
  }

  /** What runs on while the core sleeps: datasheet section 2.11.2. The other core waits in the boot ROM, deeply asleep. */
  private fallAsleep({ meter, clocks }: Powered): void {
    const hertz = this.rp2040.clkSys;
    if (!this.sleepsDeeply) {
      meter.enter('waiting', this.clock.ticks, hertz);
      return;
    }
    if (clocks.timerSleeps) {
      const message = 'sleeps with the clock of the timer gated; nothing that this model has can wake it';
      if (!this.foreign) {
        throw new BoardFault(message);
      }
      this.note(message);
    }
    meter.enter('resting', this.clock.ticks, hertz, clocks.sleepShare);
  }

  /** What the boot ROM does with flash before it jumps: datasheet section 2.8.1. */
  private handOver(): void {
    const { core, sram } = this.rp2040;
    core.registers.fill(0);
    core.VTOR = 0;
    for (const { address, bytes } of this.foreign?.sram ?? []) {
      sram.set(bytes, address - SRAM_BASE);
    }
    const entry = this.foreign?.entry ?? null;
    if (entry !== null) {
      core.SP = SRAM_BASE + BOOT_OFFSET_IN_SRAM;
      core.PC = (entry & ~1) >>> 0;
      return;
    }
    const boot = this.flash.subarray(0, BOOT_BYTES);
    const stored = new DataView(boot.buffer, boot.byteOffset).getUint32(BOOT_BYTES - 4, true);
    const computed = bootRomCrc(boot.subarray(0, BOOT_BYTES - 4));
    if (stored !== computed) {
      throw new RunError({
        code: 'boot-checksum',
        place: 'virtual board',
        message: `the boot ROM refuses the flash: its first 256 bytes have CRC ${hex(computed)}, stored is ${hex(stored)}`,
        remedy: this.foreign
          ? 'Link the program with a second-stage boot loader and its checksum, as the Pico SDK does.'
          : 'Load firmware/prebuilt/pico-fram.bin at flash offset 0.',
      });
    }
    sram.set(boot, BOOT_OFFSET_IN_SRAM);
    core.SP = SRAM_BASE + BOOT_OFFSET_IN_SRAM;
    core.PC = SRAM_BASE + BOOT_OFFSET_IN_SRAM;
  }

  private transmit(byte: number): void {
    const { serialByteErrorEvery } = this.faults;
    this.sentBytes++;
    const damaged = serialByteErrorEvery !== undefined && this.sentBytes % serialByteErrorEvery === 0;
    this.transmitted.push(damaged ? byte ^ 0x10 : byte);
  }

  /** Programs of others may rely on what is in memory until the DMA gets there. */
  private spoil(offset: number, bytes: number): void {
    if (!this.foreign) {
      this.rp2040.sram.fill(SPOILED_BYTE, offset, offset + bytes);
    }
  }

  private note(text: string): void {
    if (!this.notes.has(text)) {
      this.notes.add(text);
      this.foreign?.onNote(text);
    }
  }

  private readBus(address: number, bytes: 1 | 2 | 4): number {
    if (this.rom && address < ROM_BYTES) {
      const view = new DataView(this.rom.bytes.buffer);
      return bytes === 4
        ? view.getUint32(address, true)
        : bytes === 2
          ? view.getUint16(address, true)
          : view.getUint8(address);
    }
    if (address === SCB_SCR && this.powered) {
      return this.powered.scr;
    }
    this.checkPeripheral(address);
    const { rp2040 } = this;
    return bytes === 4
      ? rp2040.readUint32(address)
      : bytes === 2
        ? rp2040.readUint16(address)
        : rp2040.readUint8(address);
  }

  private writeBus(address: number, value: number, bytes: 1 | 2 | 4): void {
    if (address === SCB_SCR && this.powered) {
      this.powered.scr = value;
      return;
    }
    this.checkPeripheral(address);
    const { rp2040 } = this;
    if (bytes === 4) {
      rp2040.writeUint32(address, value);
    } else if (bytes === 2) {
      rp2040.writeUint16(address, value);
    } else {
      rp2040.writeUint8(address, value);
    }
  }

  private checkPeripheral(address: number): void {
    if (address < 0x14000000) {
      throw new BoardFault(`access to ${hex(address)}, where there is no memory that can be written or read`);
    }
    if (address >= SIO_BASE && address < SIO_BASE + 0x10000000 && address - SIO_BASE > SIO_LAST) {
      throw new BoardFault(`access to ${hex(address)}, where there is no SIO register`);
    }
    if (this.powered?.resets.holds(address)) {
      throw new BoardFault(`access to ${hex(address)}, a peripheral that is still held in reset`);
    }
  }

  private explain(error: unknown): unknown {
    if (!(error instanceof BoardFault)) {
      return error;
    }
    return new RunError({
      code: 'virtual-board-fault',
      place: 'virtual board',
      message: `the program stopped at ${hex(this.executor.faultAddress)}: ${error.message}`,
      remedy: this.foreign
        ? 'This is a fault of the program, or it needs a part of the RP2040 that the virtual board does not have.'
        : 'This is a fault of the firmware or of the image: run the same model on the host backend and report both.',
      cause: error,
    });
  }
}

/** As in tools/firmware/pico.ts: the boot ROM's CRC-32, most significant bit first, datasheet section 2.8.1.3.1. */
function bootRomCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
    }
  }
  return crc >>> 0;
}
