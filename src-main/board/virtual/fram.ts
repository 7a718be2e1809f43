import { currentRecord, LIGHT_RECORD_BYTES, LIGHT_SLOT_OFFSETS, RECORD_BYTES } from '../record.js';
import type { BoardFaults } from './board-faults.js';
import type { CommitObservation } from '../virtual-board.js';

/**
 * SPI FRAM (MB85RS4MT): the array is non-volatile byte by byte, as soon as the last bit of a byte is clocked in. Opcodes from
 * its data sheet, table of op-codes: WREN 06h, WRDI 04h, RDSR 05h, READ 03h, WRITE 02h, RDID 9Fh.
 */
const WRITE_ENABLE_LATCH = 0x02;
/** Fujitsu, continuation code, 4 Mbit, product code of the MB85RS4MT. */
const DEVICE_ID = [0x04, 0x7f, 0x49, 0x03];
/** Both record slots are at the start of the NVM, those of light records follow: firmware/SPEC.md section 2. */
const RECORD_SLOTS_BYTES = 2 * RECORD_BYTES;
const LIGHT_SLOTS_BEGIN = LIGHT_SLOT_OFFSETS[0];
const LIGHT_SLOTS_END = LIGHT_SLOT_OFFSETS[1] + LIGHT_RECORD_BYTES;

export class Fram {
  private selected = false;
  private opcode = -1;
  private received = 0;
  private address = 0;
  private writeEnabled = false;
  private selectedAt = 0;
  private selectedTicks = 0;
  /** Sequence number of the last commit seen. */
  private observed = -1;

  constructor(
    private readonly array: Uint8Array,
    private readonly onCommit: (observation: CommitObservation) => void,
    private readonly fault: BoardFaults['nvm'] | null = null,
  ) {}

  /** Level of the chip select pin. */
  select(low: boolean, ticks: number): void {
    if (low === this.selected) {
      return;
    }
    this.selected = low;
    if (low) {
      this.selectedAt = ticks;
      this.opcode = -1;
      this.received = 0;
      this.address = 0;
      return;
    }
    this.selectedTicks += ticks - this.selectedAt;
    if (this.opcode === 0x06 && this.received === 1) {
      this.writeEnabled = true;
    } else if (this.opcode === 0x04 || this.opcode === 0x02) {
      this.writeEnabled = false;
    }
  }

  /** Time selected since the last call, for the charge it draws. */
  takeSelectedTicks(now: number): number {
    if (this.selected) {
      this.selectedTicks += now - this.selectedAt;
      this.selectedAt = now;
    }
    const ticks = this.selectedTicks;
    this.selectedTicks = 0;
    return ticks;
  }

  /** Eight clocks: takes a byte, returns the byte that came out meanwhile. */
  exchange(byte: number): number {
    if (!this.selected || this.fault === 'absent') {
      return 0xff;
    }
    const out = this.exchangeIntact(byte);
    return this.fault && 'stuckBits' in this.fault ? out | this.fault.stuckBits : out;
  }

  private get bytes(): number {
    const { fault } = this;
    return fault && fault !== 'absent' && 'bytes' in fault ? fault.bytes : this.array.length;
  }

  private exchangeIntact(byte: number): number {
    const position = this.received++;
    if (position === 0) {
      this.opcode = byte;
      return 0xff;
    }
    switch (this.opcode) {
      case 0x05:
        return this.writeEnabled ? WRITE_ENABLE_LATCH : 0;
      case 0x9f:
        return DEVICE_ID[position - 1] ?? 0;
      case 0x03:
      case 0x02:
        break;
      default:
        return 0xff;
    }
    if (position <= 3) {
      this.address = ((this.address << 8) | byte) & (this.bytes - 1);
      return 0xff;
    }
    const at = this.address;
    this.address = (at + 1) & (this.bytes - 1);
    if (this.opcode === 0x03) {
      return this.array[at];
    }
    if (this.writeEnabled) {
      this.array[at] = byte;
      const endsRecord = at < RECORD_SLOTS_BYTES && at % RECORD_BYTES === RECORD_BYTES - 1;
      const endsLight =
        at >= LIGHT_SLOTS_BEGIN && at < LIGHT_SLOTS_END && at % LIGHT_RECORD_BYTES === LIGHT_RECORD_BYTES - 1;
      if (endsRecord || endsLight) {
        this.observe();
      }
    }
    return 0xff;
  }

  /** A record was written to its end: a commit, if it is whole and with it the record that counts. */
  private observe(): void {
    const record = currentRecord(this.array);
    if (record && record.sequence !== this.observed) {
      this.observed = record.sequence;
      const { sequence, inference, task } = record;
      this.onCommit({ sequence, inference, task });
    }
  }
}
