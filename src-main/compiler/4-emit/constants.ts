import { crc32 } from '../../common/crc32.js';

/** Bytes of the constants section, each content stored once. */
export class ConstantPool {
  private readonly blocks: { offset: number; bytes: Uint8Array }[] = [];
  private readonly byCrc = new Map<number, number[]>();
  private used = 0;

  constructor(private readonly alignment: number) {}

  /** @returns the offset of these bytes in the section, a multiple of the pool's alignment */
  add(bytes: Uint8Array): number {
    const crc = crc32(bytes);
    const candidates = this.byCrc.get(crc) ?? [];
    for (const index of candidates) {
      const block = this.blocks[index];
      if (Buffer.compare(block.bytes, bytes) === 0) {
        return block.offset;
      }
    }
    const offset = this.used;
    this.byCrc.set(crc, [...candidates, this.blocks.length]);
    this.blocks.push({ offset, bytes });
    this.used = Math.ceil((offset + bytes.length) / this.alignment) * this.alignment;
    return offset;
  }

  toBytes(): Uint8Array {
    const section = new Uint8Array(this.used);
    this.blocks.forEach(({ offset, bytes }) => section.set(bytes, offset));
    return section;
  }
}
