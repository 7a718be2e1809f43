/** Error codes and texts of SCPI-99 volume 2, 21.8; the same for every instrument. */
const TEXTS = {
  [-102]: 'Syntax error',
  [-104]: 'Data type error',
  [-108]: 'Parameter not allowed',
  [-109]: 'Missing parameter',
  [-113]: 'Undefined header',
  [-131]: 'Invalid suffix',
  [-221]: 'Settings conflict',
  [-222]: 'Data out of range',
  [-223]: 'Too much data',
  [-224]: 'Illegal parameter value',
  [-350]: 'Queue overflow',
  [-363]: 'Input buffer overrun',
  // Of Keysight's own: a command over RS-232 without SYST:REM first.
  [550]: 'Command not allowed in local',
} as const;

export type ScpiErrorCode = keyof typeof TEXTS;

/** Entries that the queue holds; SCPI asks for at least two, instruments have about twenty. */
const QUEUE_LENGTH = 20;

/** Thrown inside the virtual instrument by a command that cannot be carried out. */
export class ScpiFault extends Error {
  readonly code: ScpiErrorCode;

  constructor(code: ScpiErrorCode) {
    super(TEXTS[code]);
    this.code = code;
  }
}

/** First in, first out; when it is full the newest entry becomes "queue overflow" (SCPI-99 volume 2, 21.8.1). */
export class ScpiErrorQueue {
  #codes: ScpiErrorCode[] = [];

  get length(): number {
    return this.#codes.length;
  }

  push(code: ScpiErrorCode): void {
    if (this.#codes.length < QUEUE_LENGTH) {
      this.#codes.push(code);
    } else {
      this.#codes[QUEUE_LENGTH - 1] = -350;
    }
  }

  /** The oldest entry as `code,"text"`, removed; `0,"No error"` when there is none. */
  next(): string {
    const code = this.#codes.shift();
    return code === undefined ? '+0,"No error"' : `${code},"${TEXTS[code]}"`;
  }

  clear(): void {
    this.#codes = [];
  }
}
