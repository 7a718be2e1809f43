import type { Port } from '../../src-main/common/port.js';

/** `> text` must be written by the driver next; `< text` is what it reads; `...` is silence until its time is up. */
export type ScriptLine = `> ${string}` | `< ${string}` | '...';

/**
 * The far end of a byte dialogue that is written down in the test. Escapes \n, \r as in JavaScript. Anything else than
 * the script is collected in `complaints`; `unused` is what was never reached. Time passes only in silence.
 */
export class ScriptedPort implements Port {
  readonly name = 'scripted';
  readonly complaints: string[] = [];
  readonly written: string[] = [];
  #script: ScriptLine[];
  #seconds = 0;

  constructor(script: ScriptLine[]) {
    this.#script = [...script];
  }

  get unused(): ScriptLine[] {
    return this.#script;
  }

  now(): number {
    return this.#seconds;
  }

  write(bytes: Uint8Array): Promise<void> {
    const text = Buffer.from(bytes).toString('latin1');
    this.written.push(text);
    const next = this.#script.shift();
    if (next !== `> ${text}`) {
      this.complaints.push(`wrote ${JSON.stringify(text)} where the script has ${JSON.stringify(next)}`);
    }
    return Promise.resolve();
  }

  read(timeoutSeconds: number): Promise<Uint8Array> {
    const next = this.#script[0] as ScriptLine | undefined;
    if (next?.startsWith('< ') === true) {
      this.#script.shift();
      this.#seconds += 1e-3;
      return Promise.resolve(Buffer.from(next.slice(2), 'latin1'));
    }
    if (next === '...') {
      this.#script.shift();
    } else {
      this.complaints.push(`read where the script has ${JSON.stringify(next)}`);
    }
    this.#seconds += timeoutSeconds;
    return Promise.resolve(new Uint8Array());
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
