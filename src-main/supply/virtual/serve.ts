import { serveEmulator, type EmulatorServer } from '../../common/serve-emulator.js';
import { VirtualSupply, type VirtualSupplyOptions } from './virtual-supply.js';

export interface VirtualSupplyServer extends EmulatorServer {
  supply: VirtualSupply;
}

export interface ServeOptions extends VirtualSupplyOptions {
  /** TCP port; 0 (the default) takes a free one. SCPI over a raw socket is usually at 5025. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
}

/**
 * A virtual supply on a TCP socket, for other people's programs, on wall time.
 *
 * @throws InputError `emulator-port` when the TCP port cannot be had
 */
export async function serveVirtualSupply(options: ServeOptions = {}): Promise<VirtualSupplyServer> {
  const supply = new VirtualSupply(options);
  const { port, host } = options;
  return { supply, ...(await serveEmulator(supply, { name: 'the virtual supply', port, host })) };
}
