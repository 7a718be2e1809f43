/** The campaigns table. */
import { RunError } from '../common/errors.js';
import { sha256 } from '../common/sha256.js';
import type { Connection, SqlRow } from './sqlite-driver.js';
import type { CampaignRow, CampaignSummary } from './types.js';
import { number, text, textOrNull } from './values.js';

export interface NewCampaign {
  name: string;
  /** The campaign file as it is run, byte for byte: its SHA-256 is what a resume looks for. */
  source: string;
  plannedRuns: number;
}

export async function insertCampaign(
  connection: Connection,
  campaign: NewCampaign,
  writerId: number,
  now: Date,
): Promise<number> {
  const { lastId } = await connection.run(
    `INSERT INTO campaigns (name, created_at, source, source_sha256, status, planned_runs, writer_id)
     VALUES (?, ?, ?, ?, 'running', ?, ?)`,
    [
      campaign.name,
      now.toISOString(),
      campaign.source,
      sha256(campaign.source),
      campaign.plannedRuns,
      writerId,
    ],
  );
  return lastId;
}

/** @throws RunError `no-such-campaign` */
export async function endCampaign(
  connection: Connection,
  id: number,
  status: Exclude<CampaignRow['status'], 'running'>,
  now: Date,
): Promise<void> {
  const { changes } = await connection.run('UPDATE campaigns SET status = ?, finished_at = ? WHERE id = ?', [
    status,
    now.toISOString(),
    id,
  ]);
  if (changes === 0) {
    throw new RunError({
      code: 'no-such-campaign',
      place: `campaign ${id}`,
      message: 'the database has no such campaign',
      remedy: 'It may have been deleted meanwhile; list the campaigns again',
    });
  }
}

/** Newest first. */
export async function listCampaigns(connection: Connection): Promise<CampaignSummary[]> {
  const rows = await connection.all(
    `SELECT c.*,
       (SELECT count(*) FROM runs r WHERE r.campaign_id = c.id) AS runs,
       (SELECT count(*) FROM runs r
         WHERE r.campaign_id = c.id AND r.status IN ('finished', 'not-terminating')) AS done_runs
     FROM campaigns c ORDER BY c.id DESC`,
  );
  return rows.map(summary);
}

/**
 * Cells of any campaign with this source that need not be run again: finished, or shown not to terminate. Failed,
 * cancelled and interrupted ones are tried again.
 *
 * @returns the newest such run of each cell
 */
export async function findFinishedCells(
  connection: Connection,
  sourceSha256: string,
): Promise<Map<string, number>> {
  const rows = await connection.all(
    `SELECT r.cell AS cell, max(r.id) AS id FROM campaigns c JOIN runs r ON r.campaign_id = c.id
     WHERE c.source_sha256 = ? AND r.status IN ('finished', 'not-terminating') GROUP BY r.cell`,
    [sourceSha256],
  );
  return new Map(rows.map((row) => [text(row, 'cell'), number(row, 'id')]));
}

const STATUSES: readonly CampaignRow['status'][] = ['running', 'finished', 'cancelled', 'interrupted'];

function summary(row: SqlRow): CampaignSummary {
  return {
    id: number(row, 'id'),
    name: text(row, 'name'),
    createdAt: text(row, 'created_at'),
    finishedAt: textOrNull(row, 'finished_at'),
    source: text(row, 'source'),
    sourceSha256: text(row, 'source_sha256'),
    status: STATUSES.find((status) => status === row['status']) ?? 'interrupted',
    plannedRuns: number(row, 'planned_runs'),
    runs: number(row, 'runs'),
    doneRuns: number(row, 'done_runs'),
  };
}
