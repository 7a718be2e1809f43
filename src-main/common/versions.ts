import { readFileSync } from 'node:fs';
import { resourcePath } from './resources.js';

/** Versions that a run's provenance records: the product, the runtime under it, the board simulator. */
export function productVersions(): Record<string, string> {
  return {
    'brownout-bench': versionOf('package.json'),
    node: process.versions.node,
    rp2040js: versionOf('node_modules', 'rp2040js', 'package.json'),
    platform: `${process.platform} ${process.arch}`,
  };
}

function versionOf(...path: string[]): string {
  const manifest = JSON.parse(readFileSync(resourcePath(...path), 'utf8')) as { version?: string };
  return manifest.version ?? 'unknown';
}
