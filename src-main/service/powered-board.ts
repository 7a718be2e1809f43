/**
 * `brownout virtual-board --powered-by`: the virtual board in a program of its own, on wall time, behind a capacitor and switch
 * that an emulated supply in another program feeds.
 */
import { prebuiltFirmware } from '../board/prebuilt.js';
import { boardProfile } from '../board/profiles/index.js';
import { CoupledBoard } from '../campaign/bench/coupled-board.js';
import { serveEmulator, type EmulatorServer, type SerialEmulator } from '../common/serve-emulator.js';
import { connectTerminals } from './terminals-wire.js';

export interface PoweredBoardRequest {
  board: string;
  seed: number;
  /** TCP port of the serial line; 0 takes any free one. */
  port: number;
  terminals: { host: string; port: number };
  /** Null: no capacitor of its own but the board's input, and no switch but its converter. */
  capacitanceFarads: number | null;
}

/**
 * A Pico straight on a supply: what hangs on VSYS, and where its converter starts and stops (RT6150: 1.8 V in). Uncalibrated.
 */
const BARE_BOARD = { capacitanceFarads: 47e-6, turnOnVolts: 1.9, brownOutVolts: 1.8 };

/** How often simulated time catches up with the clock on the wall, and for how long it may hold the thread. */
const PERIOD_MILLISECONDS = 1;
const BUSY_MILLISECONDS = 10;
const OFF_STEP_SECONDS = 1e-3;
/** The supply hears of the board's current as its mean over so much. */
const TELL_SECONDS = 5e-3;
/** Time that cannot be caught up is given up: a simulation slower than the wall must not fall behind for ever. */
const LONGEST_LAG_SECONDS = 0.05;

export interface PoweredBoardServer extends EmulatorServer {
  /** Rejects when the simulated program faults. */
  done: Promise<void>;
}

/** @throws InputError for a board or port that cannot be had; RunError when no supply offers its terminals */
export async function servePoweredBoard(request: PoweredBoardRequest): Promise<PoweredBoardServer> {
  const profile = boardProfile(request.board);
  const { power } = profile;
  const coupled = new CoupledBoard({
    // Without a capacitor of its own, what hangs on VSYS is the board's decoupling itself.
    profile:
      request.capacitanceFarads === null
        ? { ...profile, power: { ...power, decouplingFarads: { ...power.decouplingFarads, value: 0 } } }
        : profile,
    firmware: await prebuiltFirmware(profile),
    seed: request.seed,
    ...(request.capacitanceFarads === null
      ? BARE_BOARD
      : {
          capacitanceFarads: request.capacitanceFarads,
          turnOnVolts: power.turnOnVolts.value,
          brownOutVolts: power.brownOutVolts.value,
        }),
    onStep: () => undefined,
    onPower: () => undefined,
  });
  const terminals = await connectTerminals(request.terminals, (source) => {
    coupled.rail.setSource(source);
  });
  const line: SerialEmulator = {
    receive: (bytes) => {
      coupled.board.receive(bytes);
      return { reply: new Uint8Array(0), busySeconds: 0 };
    },
  };
  const server = await serveEmulator(line, { name: 'the virtual board', port: request.port });
  let timer: NodeJS.Timeout | undefined;
  let origin = performance.now() / 1000;
  let toldSeconds = origin;
  let toldJoules = 0;
  const stop = async () => {
    clearInterval(timer);
    terminals.close();
    await server.close();
  };
  const done = new Promise<void>((_, reject) => {
    timer = setInterval(() => {
      const turn = performance.now();
      try {
        let target = turn / 1000 - origin;
        if (target - coupled.nowSeconds > LONGEST_LAG_SECONDS) {
          origin += target - coupled.nowSeconds - LONGEST_LAG_SECONDS;
          target = coupled.nowSeconds + LONGEST_LAG_SECONDS;
        }
        while (coupled.nowSeconds < target && performance.now() - turn < BUSY_MILLISECONDS) {
          coupled.advance(target, OFF_STEP_SECONDS);
        }
        if (coupled.hasReceived) {
          server.send(coupled.takeReceived());
        }
        const told = performance.now() / 1000;
        if (told - toldSeconds >= TELL_SECONDS) {
          const { sourceTerminalVolts: volts, energy } = coupled.rail;
          // What was taken, over the time that it took on the wall: right also where the simulation is slower than that.
          const watts = (energy.harvestedJoules - toldJoules) / (told - toldSeconds);
          terminals.tell({ volts, amps: volts > 0 ? watts / volts : 0 });
          toldSeconds = told;
          toldJoules = energy.harvestedJoules;
        }
      } catch (error) {
        void stop();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    }, PERIOD_MILLISECONDS);
  });
  return { ...server, done, close: stop };
}
