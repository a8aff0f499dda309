import { BlockList, isIP, isIPv4 } from 'node:net';

/** Networks such as `10.0.0.0/8`, and single addresses. */
export class Networks {
  readonly #list = new BlockList();
  readonly isEmpty: boolean;

  /** Throws BadNetworkError. */
  constructor(texts: readonly string[]) {
    this.isEmpty = texts.length === 0;
    for (const text of texts) this.#add(text);
  }

  /** Of an unknown address: false. */
  has(address: string | undefined): boolean {
    if (address === undefined) return false;
    const plain = plainAddress(address);
    return isIP(plain) > 0 && this.#list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
  }

  #add(text: string): void {
    const [address = '', bits, ...more] = text.split('/');
    const family = isIP(address);
    const max = family === 4 ? 32 : 128;
    const length = bits === undefined ? max : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (family === 0 || more.length > 0 || !(length <= max)) throw new BadNetworkError(text);
    this.#list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6');
  }
}

/** Its message is a sentence for the terminal. */
export class BadNetworkError extends Error {
  constructor(text: string) {
    super(`"${text.slice(0, 60)}" is no network. Write 10.0.0.0/8, 2001:db8::/32, or one address.`);
  }
}

/** An IPv4 address is one also where the socket is of IPv6, and an address of a link says on which one elsewhere. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}
