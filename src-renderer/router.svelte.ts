/** Where the user is, kept in the address's fragment so that reload, back and forward work in both hosts. */
export type Route = { view: 'bench' } | { view: 'runs' } | { view: 'run'; id: number } | { view: 'doctor' };

export class Router {
  route = $state.raw<Route>(parseRoute(location.hash));

  constructor() {
    window.addEventListener('hashchange', () => {
      this.route = parseRoute(location.hash);
    });
  }
}

export function parseRoute(hash: string): Route {
  const run = /^#\/runs\/(\d+)$/.exec(hash);
  if (run) {
    return { view: 'run', id: Number(run[1]) };
  }
  switch (hash) {
    case '#/runs':
      return { view: 'runs' };
    case '#/doctor':
      return { view: 'doctor' };
    default:
      return { view: 'bench' };
  }
}
