/** `brownout virtual-board`: any program for the RP2040 on the virtual Pico, or its serial line for other programs. */
import { basename } from 'node:path';
import { placeProgram, readProgram, type PlacedProgram } from '../board/images/index.js';
import { RP2040_TARGET } from '../board/images/targets.js';
import { prebuiltFirmware } from '../board/prebuilt.js';
import { boardProfile } from '../board/profiles/index.js';
import { runProgram, type ProgramRun } from '../board/virtual/program-run.js';
import { serveVirtualBoard, type VirtualBoardServer } from '../board/virtual/serve.js';
import { createVirtualPico } from '../board/virtual/virtual-pico.js';
import { readInput } from '../campaign/prepare.js';

export interface VirtualBoardRequest {
  /** ELF, UF2, BIN or Intel HEX file; null for the firmware of this bench. */
  firmwarePath: string | null;
  board: string;
  seed: number;
}

async function load(path: string, flashBytes: number): Promise<PlacedProgram> {
  const name = basename(path);
  return placeProgram(readProgram(await readInput(path), name, RP2040_TARGET), flashBytes, name);
}

/**
 * Runs a program of others for some simulated time.
 *
 * @throws InputError when the file is none that can be run; RunError when the program faults
 */
export async function runOnVirtualBoard(
  request: VirtualBoardRequest & { firmwarePath: string; seconds: number },
  hooks: { signal: AbortSignal; onOutput: (bytes: Uint8Array) => void },
): Promise<ProgramRun> {
  const profile = boardProfile(request.board);
  const program = await load(request.firmwarePath, profile.flashBytes);
  return runProgram(program, { profile, seed: request.seed, seconds: request.seconds, ...hooks });
}

/** Puts the board's serial line on a TCP port of this machine. @throws InputError for a bad file or port */
export async function serveBoard(
  request: VirtualBoardRequest & { port: number },
  onNote: (note: string) => void,
): Promise<VirtualBoardServer> {
  const profile = boardProfile(request.board);
  const program = request.firmwarePath === null ? null : await load(request.firmwarePath, profile.flashBytes);
  const board = createVirtualPico({
    firmware: program?.flash ?? (await prebuiltFirmware(profile)),
    profile,
    seed: request.seed,
    foreign: program ? { sram: program.sram, entry: program.entry, onNote } : undefined,
  });
  board.setCapacitorVolts(profile.power.turnOnVolts.value);
  return serveVirtualBoard(board, { port: request.port });
}
