import type { BoardProfile } from '../profile.js';

/** From a data sheet or estimated, as its source says; `brownout calibrate` is to measure it. */
const uncalibrated = (value: number, source: string) => ({ value, source, calibrated: false });

/** Fixed by the design of a chip: nothing to measure. */
const byDesign = (value: number, source: string) => ({ value, source, calibrated: true });

/**
 * Raspberry Pi Pico with an MB85RS4MT (or CY15B104Q) FRAM on SPI0, its capacitor on VSYS behind a switch.
 *
 * The Pico's RT6150 buck-boost turns 1.8 to 5.5 V on VSYS into 3.3 V, so nearly all of the capacitor's energy is usable:
 * it is emptied from 4.5 V, which leaves room for harvesters up to the 5.5 V limit, to 2.0 V, a margin above the 1.8 V at
 * which the converter gives up and at which its input current would be highest. Between them lies
 * 1 - (2.0 / 4.5)^2 = 80 % of what a full capacitor holds.
 */
export const picoFram: BoardProfile = {
  id: 'pico-fram',
  name: 'Raspberry Pi Pico with SPI FRAM',
  imageBoard: 0x30345052,
  clockHertz: 125_000_000,
  arenaBytes: 208 * 1024,
  nvmBytes: 512 * 1024,
  flashBytes: 2 * 1024 * 1024,
  flashMap: { imageOffset: 0x040000, imageBytes: 0x100000, datasetOffset: 0x140000, datasetBytes: 0x0c0000 },
  serialBaud: 1_000_000,
  power: {
    railVolts: uncalibrated(
      3.3,
      'Raspberry Pi Pico datasheet, section 4.5 (Powerchain): 3V3 from the RT6150B',
    ),
    converterEfficiency: uncalibrated(
      0.85,
      'RT6150A/B datasheet, efficiency curves at 3.3 V out and 10 to 100 mA in PFM and PWM',
    ),
    activeAmps: uncalibrated(
      0.024,
      'RP2040 datasheet, section 5.4 gives its demos only; published measurements of a busy Pico at 125 MHz lie at 20 to 26 mA',
    ),
    sleepAmps: uncalibrated(
      0.011,
      'estimate: core waiting, all clocks and the PLL running; published measurements of an idle Pico lie at 8 to 13 mA',
    ),
    gatedAmps: uncalibrated(
      0.0015,
      'estimate: MicroPython measured 1.5 mA at 5 V USB on a Pico asleep on a timer with the same clocks gated (its rp2 lightsleep, pull request of issue 8770); less 0.32 mA into the divider that senses VBUS, absent on VSYS (Raspberry Pi Pico datasheet, appendix B); 1.2 mA x 4.7 V x 0.85 / 3.3 V',
    ),
    offAmps: uncalibrated(
      2e-6,
      'leakage of a load switch and of the supervisor in front of it; to be measured',
    ),
    nvmAmps: uncalibrated(
      0.0014,
      'MB85RS4MT data sheet DS501-00053, features: 2.6 mA at most at 40 MHz, in proportion to the 21 MHz used here',
    ),
    flashProgramAmps: uncalibrated(0.02, 'W25Q16JV data sheet, section 9.4: ICC4, ICC5 typical 20 mA'),
    startupSeconds: uncalibrated(
      6e-3,
      'estimate: rise of 3V3 and power-on state machine (RP2040 datasheet, 2.13), then the boot ROM (2.8.1: two waits of 100 us, copy and CRC of 256 bytes) on a ring oscillator of 1.8 to 12 MHz',
    ),
    startupAmps: uncalibrated(0.01, 'estimate: converter switching on, core on the ring oscillator'),
    decouplingFarads: uncalibrated(
      50e-6,
      'Raspberry Pi Pico schematic: 47 uF in and out of the RT6150 and the 100 nF parts, derated for bias; to be measured',
    ),
    turnOnVolts: uncalibrated(4.5, 'chosen: see the comment of this file'),
    brownOutVolts: uncalibrated(2.0, 'chosen: RT6150 works from 1.8 V'),
    maximumVolts: uncalibrated(5.5, 'Raspberry Pi Pico datasheet, VSYS 1.8 to 5.5 V'),
    maximumAmps: uncalibrated(
      0.5,
      'chosen: charging current of the capacitor, far below what the RT6150 takes (800 mA)',
    ),
    dropOutVolts: uncalibrated(
      2.7,
      'W25Q16JV data sheet, section 9.2 (operating ranges): flash is specified from 2.7 V, the FRAM and the RP2040 from 1.8 V',
    ),
  },
  timing: {
    crystalHertz: byDesign(12e6, 'Raspberry Pi Pico datasheet, appendix B (schematic): 12 MHz crystal'),
    ringOscillatorHertz: uncalibrated(
      6.5e6,
      'RP2040 datasheet, section 2.17.1: nominally 6.5 MHz at power-on, 1.8 to 12 MHz with process, voltage, temperature',
    ),
    pllLockSeconds: uncalibrated(
      100e-6,
      'estimate: no figure in the RP2040 datasheet, section 2.18; some thousand cycles of the 12 MHz reference',
    ),
    exceptionCycles: byDesign(
      15,
      'Cortex-M0+ Technical Reference Manual, section 3.3: 15 cycles to enter without wait states; the same assumed to leave',
    ),
    peripheralReadCycles: uncalibrated(
      3,
      'RP2040 datasheet, section 2.1.4 (APB bridge: accesses take several cycles); the figure is that of rp2040js',
    ),
    peripheralWriteCycles: uncalibrated(
      4,
      'RP2040 datasheet, section 2.1.4 (APB bridge: accesses take several cycles); the figure is that of rp2040js',
    ),
    fastPeripheralCycles: uncalibrated(
      1,
      'AHB-Lite, RP2040 datasheet, section 2.1.3; as SRAM without contention',
    ),
    cacheBytes: byDesign(16384, 'RP2040 datasheet, section 2.6.3.1: 16 kB'),
    cacheWays: byDesign(2, 'RP2040 datasheet, section 2.6.3.1: two-way set-associative'),
    cacheLineBytes: byDesign(8, 'RP2040 datasheet, section 2.6.3.1: 8-byte lines'),
    cacheFillBytes: uncalibrated(
      4,
      'raspberrypi/pico-feedback issue 307 (measured on a chip): lines of 8 bytes are filled one half at a time; the datasheet does not say',
    ),
    dmaTransferCycles: uncalibrated(
      5,
      'estimate: DREQ handshake, one read and one write in the pipeline of RP2040 datasheet, section 2.5',
    ),
    flashGapClocks: uncalibrated(
      2,
      'estimate: W25Q16JV data sheet, table 9.6, tSHSL1 10 ns between reads, rounded up to SSI clocks, and one to start',
    ),
    flashPageProgramSeconds: uncalibrated(
      0.4e-3,
      'W25Q16JV data sheet, table 9.6: tPP typical 0.4 ms (maximum 3 ms)',
    ),
    flashSectorEraseSeconds: uncalibrated(
      45e-3,
      'W25Q16JV data sheet, table 9.6: tSE typical 45 ms (maximum 400 ms)',
    ),
    flashBlock32kEraseSeconds: uncalibrated(120e-3, 'W25Q16JV data sheet, table 9.6: tBE1 typical 120 ms'),
    flashBlock64kEraseSeconds: uncalibrated(150e-3, 'W25Q16JV data sheet, table 9.6: tBE2 typical 150 ms'),
    flashStatusWriteSeconds: uncalibrated(10e-3, 'W25Q16JV data sheet, table 9.6: tW typical 10 ms'),
    romCallCycles: uncalibrated(
      20,
      'estimate: a short function of the boot ROM, RP2040 datasheet, section 2.8.3.1',
    ),
    romCopyCyclesPerByte: uncalibrated(
      1,
      'estimate: load and store multiple of four words in a loop, RP2040 datasheet, section 2.8.3.1.2',
    ),
    nvmMaximumHertz: byDesign(
      40e6,
      'MB85RS4MT data sheet DS501-00053 and CY15B104Q data sheet: 40 MHz at most',
    ),
    baudTolerance: uncalibrated(
      0.03,
      'rule of thumb for 8N1 sampled in the middle of a bit: half a bit in ten, less the edges',
    ),
    capacitorDivider: byDesign(2, 'docs/hardware.md: two equal resistors'),
    adcReferenceVolts: uncalibrated(
      3.3,
      'Raspberry Pi Pico datasheet, section 4.3: ADC_VREF filtered from 3V3',
    ),
    adcBits: byDesign(12, 'RP2040 datasheet, section 4.9: 12 bits'),
  },
};
