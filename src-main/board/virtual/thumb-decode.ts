/**
 * Instruction numbers of the ARMv6-M Thumb set as executed by thumb-executor.ts, and the table from halfword to number.
 * Encodings: ARMv6-M Architecture Reference Manual, chapter A5.
 */

/** Encodings as [mask, value, instruction]; the first match counts. The names are those of the switch in the executor. */
const ENCODINGS: readonly (readonly [mask: number, value: number, instruction: number])[] = [
  [0xf800, 0x0000, 1], // LSLS Rd, Rm, #imm5
  [0xf800, 0x0800, 2], // LSRS Rd, Rm, #imm5
  [0xf800, 0x1000, 3], // ASRS Rd, Rm, #imm5
  [0xfe00, 0x1800, 4], // ADDS Rd, Rn, Rm
  [0xfe00, 0x1a00, 5], // SUBS Rd, Rn, Rm
  [0xfe00, 0x1c00, 6], // ADDS Rd, Rn, #imm3
  [0xfe00, 0x1e00, 7], // SUBS Rd, Rn, #imm3
  [0xf800, 0x2000, 8], // MOVS Rd, #imm8
  [0xf800, 0x2800, 9], // CMP Rn, #imm8
  [0xf800, 0x3000, 10], // ADDS Rdn, #imm8
  [0xf800, 0x3800, 11], // SUBS Rdn, #imm8
  [0xffc0, 0x4000, 12], // ANDS
  [0xffc0, 0x4040, 13], // EORS
  [0xffc0, 0x4080, 14], // LSLS Rdn, Rm
  [0xffc0, 0x40c0, 15], // LSRS Rdn, Rm
  [0xffc0, 0x4100, 16], // ASRS Rdn, Rm
  [0xffc0, 0x4140, 17], // ADCS
  [0xffc0, 0x4180, 18], // SBCS
  [0xffc0, 0x41c0, 19], // RORS
  [0xffc0, 0x4200, 20], // TST
  [0xffc0, 0x4240, 21], // RSBS Rd, Rn, #0
  [0xffc0, 0x4280, 22], // CMP Rn, Rm
  [0xffc0, 0x42c0, 23], // CMN
  [0xffc0, 0x4300, 24], // ORRS
  [0xffc0, 0x4340, 25], // MULS
  [0xffc0, 0x4380, 26], // BICS
  [0xffc0, 0x43c0, 27], // MVNS
  [0xff00, 0x4400, 28], // ADD Rdn, Rm (high registers)
  [0xff00, 0x4500, 29], // CMP Rn, Rm (high registers)
  [0xff00, 0x4600, 30], // MOV Rd, Rm (high registers)
  [0xff87, 0x4700, 31], // BX
  [0xff87, 0x4780, 32], // BLX
  [0xf800, 0x4800, 33], // LDR Rt, [PC, #imm8]
  [0xfe00, 0x5000, 34], // STR Rt, [Rn, Rm]
  [0xfe00, 0x5200, 35], // STRH Rt, [Rn, Rm]
  [0xfe00, 0x5400, 36], // STRB Rt, [Rn, Rm]
  [0xfe00, 0x5600, 37], // LDRSB Rt, [Rn, Rm]
  [0xfe00, 0x5800, 38], // LDR Rt, [Rn, Rm]
  [0xfe00, 0x5a00, 39], // LDRH Rt, [Rn, Rm]
  [0xfe00, 0x5c00, 40], // LDRB Rt, [Rn, Rm]
  [0xfe00, 0x5e00, 41], // LDRSH Rt, [Rn, Rm]
  [0xf800, 0x6000, 42], // STR Rt, [Rn, #imm5]
  [0xf800, 0x6800, 43], // LDR Rt, [Rn, #imm5]
  [0xf800, 0x7000, 44], // STRB Rt, [Rn, #imm5]
  [0xf800, 0x7800, 45], // LDRB Rt, [Rn, #imm5]
  [0xf800, 0x8000, 46], // STRH Rt, [Rn, #imm5]
  [0xf800, 0x8800, 47], // LDRH Rt, [Rn, #imm5]
  [0xf800, 0x9000, 48], // STR Rt, [SP, #imm8]
  [0xf800, 0x9800, 49], // LDR Rt, [SP, #imm8]
  [0xf800, 0xa000, 50], // ADR Rd
  [0xf800, 0xa800, 51], // ADD Rd, SP, #imm8
  [0xff80, 0xb000, 52], // ADD SP, #imm7
  [0xff80, 0xb080, 53], // SUB SP, #imm7
  [0xffc0, 0xb200, 54], // SXTH
  [0xffc0, 0xb240, 55], // SXTB
  [0xffc0, 0xb280, 56], // UXTH
  [0xffc0, 0xb2c0, 57], // UXTB
  [0xfe00, 0xb400, 58], // PUSH
  [0xffff, 0xb662, 59], // CPSIE i
  [0xffff, 0xb672, 60], // CPSID i
  [0xffc0, 0xba00, 61], // REV
  [0xffc0, 0xba40, 62], // REV16
  [0xffc0, 0xbac0, 63], // REVSH
  [0xfe00, 0xbc00, 64], // POP
  [0xffff, 0xbf00, 65], // NOP
  [0xffff, 0xbf10, 65], // YIELD
  [0xffff, 0xbf40, 65], // SEV
  [0xffff, 0xbf20, 66], // WFE
  [0xffff, 0xbf30, 67], // WFI
  [0xf800, 0xc000, 68], // STM
  [0xf800, 0xc800, 69], // LDM
  [0xff00, 0xdf00, 70], // SVC
  [0xff00, 0xde00, 0], // UDF
  [0xf000, 0xd000, 71], // B<cond>
  [0xf800, 0xe000, 72], // B
  [0xf800, 0xf000, 73], // BL, MSR, MRS, DSB, DMB, ISB: 32 bits
];

/** Index: halfword. Value: instruction number; 0 = undefined (BKPT included). */
export const INSTRUCTION_OF: Uint8Array = buildTable();

function buildTable(): Uint8Array {
  const table = new Uint8Array(0x10000);
  for (let halfword = 0; halfword < table.length; halfword++) {
    const match = ENCODINGS.find(([mask, value]) => (halfword & mask) === value);
    table[halfword] = match ? match[2] : 0;
  }
  return table;
}
