/** Entry of a thread of explore.ts. */
import { serveItems } from '../../common/thread-pool.js';
import { createExplorer, evaluatePoint } from './evaluate.js';
import type { ExplorePoint, ExploreSpace } from './types.js';

await serveItems(
  'explore',
  (space) => createExplorer(space as ExploreSpace),
  (explorer, point) => evaluatePoint(explorer, point as ExplorePoint),
);
