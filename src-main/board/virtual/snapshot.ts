/**
 * Remembers the state of a graph of objects and puts it back: the quick way to a chip fresh from reset, where building a new
 * rp2040js object for every power cycle would allocate 16 MB each time.
 */
type State = { object: Record<string, unknown>; fields: [string, unknown][] };

export class Snapshot {
  private readonly states: State[] = [];
  private readonly arrays: {
    live: Int32Array | Uint32Array | Uint8Array;
    saved: Int32Array | Uint32Array | Uint8Array;
  }[] = [];

  /** @param except objects that are left alone, with everything only they lead to */
  constructor(root: object, except: readonly unknown[]) {
    this.visit(root, new Set<unknown>(except));
  }

  restore(): void {
    for (const { object, fields } of this.states) {
      for (const [name, value] of fields) {
        object[name] = value;
      }
    }
    for (const { live, saved } of this.arrays) {
      live.set(saved);
    }
  }

  private visit(value: object, seen: Set<unknown>): void {
    if (seen.has(value)) {
      return;
    }
    seen.add(value);
    if (value instanceof Uint32Array || value instanceof Int32Array || value instanceof Uint8Array) {
      this.arrays.push({ live: value, saved: value.slice() });
      return;
    }
    if (ArrayBuffer.isView(value) || value instanceof Set || value instanceof Map) {
      return;
    }
    const object = value as Record<string, unknown>;
    const fields: [string, unknown][] = [];
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(object))) {
      if (!('value' in descriptor) || typeof descriptor.value === 'function') {
        continue;
      }
      const field: unknown = descriptor.value;
      if (typeof field === 'object' && field !== null) {
        this.visit(field, seen);
      } else if (descriptor.writable && !(Array.isArray(object) && name === 'length')) {
        fields.push([name, field]);
      }
    }
    if (fields.length > 0) {
      this.states.push({ object, fields });
    }
  }
}
