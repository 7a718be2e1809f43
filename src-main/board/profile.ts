/**
 * What the bench knows about a kind of board. Electrical constants say where they come from; `uncalibrated` ones are
 * datasheet values that `brownout calibrate` will one day replace.
 */

export interface SourcedValue {
  value: number;
  /** Datasheet with page or table, or the calibration that measured it. */
  source: string;
  /** False for what differs from board to board and was not measured. True: measured, or fixed by the chip's design. */
  calibrated: boolean;
}

export interface BoardProfile {
  /** File-name-like key used in campaigns and on the command line: `pico-fram`. */
  id: string;
  name: string;
  /** Board number in image header and IDENTITY frame, firmware/SPEC.md section 3. */
  imageBoard: number;
  clockHertz: number;
  arenaBytes: number;
  nvmBytes: number;
  flashBytes: number;
  flashMap: { imageOffset: number; imageBytes: number; datasetOffset: number; datasetBytes: number };
  serialBaud: number;
  power: {
    /** Voltage of the regulated rail that the currents below are drawn at. */
    railVolts: SourcedValue;
    /** Share of the capacitor's energy that reaches the rail. */
    converterEfficiency: SourcedValue;
    /** Core running from flash or SRAM. */
    activeAmps: SourcedValue;
    /** Core waiting for an interrupt, clocks running. */
    sleepAmps: SourcedValue;
    /** Core asleep, crystal on, PLL off, all clocks gated: what a resting board draws, and the floor of the others. */
    gatedAmps: SourcedValue;
    /** Drawn from the capacitor while the switch to the board is open. */
    offAmps: SourcedValue;
    /** On top of active while the FRAM is being accessed. */
    nvmAmps: SourcedValue;
    /** On top of active while the flash erases or programs. */
    flashProgramAmps: SourcedValue;
    /** From power-on to the first instruction of the second-stage boot loader. */
    startupSeconds: SourcedValue;
    startupAmps: SourcedValue;
    /** Decoupling behind the switch that the capacitor charges at every turn-on. */
    decouplingFarads: SourcedValue;
    /** Default thresholds of the switch. */
    turnOnVolts: SourcedValue;
    brownOutVolts: SourcedValue;
    /** No supply may ever be asked for more. */
    maximumVolts: SourcedValue;
    maximumAmps: SourcedValue;
    /** The regulated rail may fall to this before the program stops: after the switch opens, the decoupling feeds it. */
    dropOutVolts: SourcedValue;
  };
  /** How fast the chips are: everything that the virtual board's time depends on and its firmware does not set. */
  timing: {
    crystalHertz: SourcedValue;
    ringOscillatorHertz: SourcedValue;
    /** From switching the PLL on until it is locked. */
    pllLockSeconds: SourcedValue;
    /** Cycles to enter and to leave an interrupt handler. */
    exceptionCycles: SourcedValue;
    /** Cycles of a load or store beyond the first, on the bus of the slow peripherals. */
    peripheralReadCycles: SourcedValue;
    peripheralWriteCycles: SourcedValue;
    /** The same on the bus of the fast ones (DMA, USB, PIO, cache control). */
    fastPeripheralCycles: SourcedValue;
    cacheBytes: SourcedValue;
    cacheWays: SourcedValue;
    cacheLineBytes: SourcedValue;
    /** What one miss reads into its line. */
    cacheFillBytes: SourcedValue;
    /** CPU cycles from a word in the SSI's receive FIFO to the same word in SRAM, by DMA. */
    dmaTransferCycles: SourcedValue;
    /** SSI clocks between two reads of flash, chip select high. */
    flashGapClocks: SourcedValue;
    flashPageProgramSeconds: SourcedValue;
    flashSectorEraseSeconds: SourcedValue;
    flashBlock32kEraseSeconds: SourcedValue;
    flashBlock64kEraseSeconds: SourcedValue;
    flashStatusWriteSeconds: SourcedValue;
    /** Of calls into the boot ROM, which only programs of others make. */
    romCallCycles: SourcedValue;
    romCopyCyclesPerByte: SourcedValue;
    nvmMaximumHertz: SourcedValue;
    /** Beyond this relative difference between both ends of the serial line no byte arrives intact. */
    baudTolerance: SourcedValue;
    /** Two resistors in front of the ADC: capacitor voltage over pin voltage. */
    capacitorDivider: SourcedValue;
    adcReferenceVolts: SourcedValue;
    adcBits: SourcedValue;
  };
}
