import { InputError } from '../common/errors.js';
import { parseFilter } from '../store/filter.js';
import type { CampaignEngine, RunArchive } from './backend.js';
import { CampaignSession } from './campaign-session.js';
import { CALLS, resultView } from './manifest.js';
import type {
  AppInfo,
  CallArguments,
  CallName,
  CallResult,
  CampaignText,
  DoctorCheck,
  EventMessage,
  Reply,
} from './manifest.js';
import { plainError } from './plain-error.js';

export interface ServiceDependencies {
  info: AppInfo;
  archive: RunArchive;
  engine: CampaignEngine;
  /** The bundled example campaign. Throws InputError when its data was not built. */
  example: () => CampaignText;
  doctor: () => Promise<DoctorCheck[]>;
  /** Hears of defects: errors that are neither InputError nor RunError. */
  onDefect: (error: unknown, call: string) => void;
}

export interface Service {
  /** Checks name and arguments, carries the call out, and never throws: an error is part of the reply. */
  dispatch(name: string, args: unknown): Promise<Reply>;
  /** Returns the function that ends the subscription. */
  subscribe(listener: (message: EventMessage) => void): () => void;
  /** Cancels what is on the bench, waits until it is stored, closes the store. */
  close(): Promise<void>;
}

type Handlers = {
  [Name in CallName]: (args: CallArguments<Name>) => CallResult<Name> | Promise<CallResult<Name>>;
};

/** Puts the calls of the manifest to work on the given parts. */
export function createService(dependencies: ServiceDependencies): Service {
  const { archive, engine } = dependencies;
  const listeners = new Set<(message: EventMessage) => void>();
  const session = new CampaignSession(engine, archive, (message) => {
    for (const listener of listeners) {
      listener(message);
    }
  });

  const handlers: Handlers = {
    'app.info': () => dependencies.info,
    'doctor.check': () => dependencies.doctor(),
    'campaigns.example': () => dependencies.example(),
    'campaigns.validate': (text) => engine.check(text),
    'campaigns.start': (text) => session.start(text),
    'campaigns.cancel': () => session.cancel(),
    'campaigns.current': () => session.current(),
    'runs.list': ({ where, ...order }) => archive.listRuns({ ...order, filters: parseFilter(where) }),
    'runs.get': async ({ id }) => {
      const run = await archive.getRun(id);
      return { ...run, results: run.results.map(resultView) };
    },
    'runs.trace': async ({ id, channel, fromSeconds, toSeconds, maxPoints }) => {
      const window = { from: fromSeconds ?? undefined, to: toSeconds ?? undefined, maxPoints };
      const trace = (await archive.getTrace(id, channel, window)) ?? noSuchTrace(id, channel);
      return {
        channel,
        unit: trace.unit,
        times: Array.from(trace.times),
        minima: Array.from(trace.minima),
        maxima: Array.from(trace.maxima),
      };
    },
    'report.html': async ({ ids }) => ({
      fileName:
        ids.length === 1 ? `brownout-run-${ids[0]}.html` : `brownout-runs-${ids.join('-').slice(0, 60)}.html`,
      html: await archive.reportHtml(ids),
    }),
  };

  async function carryOut<Name extends CallName>(name: Name, args: unknown): Promise<CallResult<Name>> {
    const parsed = CALLS[name].arguments.safeParse(args);
    if (!parsed.success) {
      const issue = parsed.error.issues.at(0);
      const path = issue?.path.map(String).join('.') ?? '';
      throw new InputError({
        code: 'invalid-arguments',
        place: path === '' ? name : `${name}: ${path}`,
        message: issue?.message ?? 'the arguments do not fit',
        remedy:
          'Correct this argument; the window and the bench may also be of different versions: reload the window',
      });
    }
    // The schema of this very call has just accepted the arguments; TypeScript cannot follow that through the index.
    return handlers[name](parsed.data as CallArguments<Name>);
  }

  return {
    async dispatch(name, args) {
      try {
        if (!Object.hasOwn(CALLS, name)) {
          throw new InputError({
            code: 'unknown-call',
            place: name.slice(0, 100),
            message: 'there is no such call',
            remedy: 'The window and the bench are of different versions: reload the window',
          });
        }
        return { ok: true, result: await carryOut(name as CallName, args) };
      } catch (error) {
        const plain = plainError(error, name);
        if (plain.code === 'internal') {
          dependencies.onDefect(error, name);
        }
        return { ok: false, error: plain };
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      await session.close();
      listeners.clear();
      await archive.close();
    },
  };
}

function noSuchTrace(id: number, channel: string): never {
  throw new InputError({
    code: 'no-such-trace',
    place: `run ${id}, trace ${channel}`,
    message: 'no trace is stored for this run',
    remedy: 'Only runs that reached the bench have traces; start the run again to record one',
  });
}
