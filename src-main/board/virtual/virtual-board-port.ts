import type { Port } from '../../common/port.js';
import type { VirtualBoard } from '../virtual-board.js';

/** Longest stretch simulated at once, so that a reader's timeout is kept to this. */
const SLICE_SECONDS = 1e-3;

/**
 * The serial line of a virtual board that has steady power, as a port on simulated time: the board runs only while somebody
 * reads. Writing while the board is off loses the bytes, as on a real line.
 */
export class VirtualBoardPort implements Port {
  readonly name = 'virtual-board';
  private cycles = 0;

  constructor(private readonly board: VirtualBoard) {}

  now(): number {
    return this.cycles / this.board.clockHertz;
  }

  write(bytes: Uint8Array): Promise<void> {
    this.board.receive(bytes);
    return Promise.resolve();
  }

  /** Rejects with a RunError when the simulated program faults. */
  async read(timeoutSeconds: number): Promise<Uint8Array> {
    await Promise.resolve();
    return this.simulate(timeoutSeconds);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private simulate(timeoutSeconds: number): Uint8Array {
    const deadline = this.now() + timeoutSeconds;
    const slice = SLICE_SECONDS * this.board.clockHertz;
    while (this.now() < deadline) {
      const { cycles, transmitted } = this.board.run(slice);
      this.cycles += cycles;
      if (transmitted.length > 0) {
        return transmitted;
      }
    }
    return new Uint8Array(0);
  }
}
