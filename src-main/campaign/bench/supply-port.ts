/** Where a supply is connected: a serial port, or an address in the network. */
import { openSerialPort } from '../../board/serial-port.js';
import { InputError } from '../../common/errors.js';
import type { Port } from '../../common/port.js';
import { openTcpPort } from '../../common/tcp-port.js';
import type { SupplyProfile } from '../../supply/profiles/index.js';

/**
 * @param address path of a serial port, `tcp:HOST` or `tcp:HOST:PORT`
 * @throws InputError for an address that has not that form or that this instrument has not; RunError when it cannot be opened
 */
export function openSupplyPort(address: string, profile: SupplyProfile): Promise<Port> {
  const { baudRate, stopBits, tcpPort } = profile.link;
  if (address.startsWith('tcp:')) {
    // IPv6 addresses stand in brackets.
    const match = /^tcp:(\[[0-9a-f:]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(address);
    const port = match?.[2] === undefined ? tcpPort : Number(match[2]);
    if (match === null || port === null || port < 1 || port > 65_535) {
      throw new InputError({
        code: 'supply-address',
        place: '--port',
        message: `'${address}' is no address of ${profile.name}`,
        remedy: 'Give tcp:HOST:PORT, or the path of a serial port',
      });
    }
    return openTcpPort(match[1].replace(/[[\]]/g, ''), port);
  }
  if (baudRate === null) {
    throw new InputError({
      code: 'supply-address',
      place: '--port',
      message: `${profile.name} has no serial line`,
      remedy: `Connect it to the network and give tcp:HOST${tcpPort === null ? ':PORT' : ''}`,
    });
  }
  return openSerialPort(address, { baudRate, stopBits });
}
