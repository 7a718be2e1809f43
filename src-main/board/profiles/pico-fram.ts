import type { BoardProfile } from '../profile.js';

/** From a data sheet or estimated, as its source says; `brownout calibrate` is to measure it. */
const uncalibrated = (value: number, source: string) => ({ value, source, calibrated: false });

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
  },
};
