/** Files on the host of the server. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Whom it believes about clients; not needed for them to believe it. */
  readonly ca?: string | undefined;
}

/** The settings that name them, `ssl` last: it is switched on when the files are known. */
export function tlsSettings({ certificate, key, ca }: TlsFiles): readonly (readonly [string, string])[] {
  return [
    ['ssl_cert_file', certificate],
    ['ssl_key_file', key],
    ...(ca === undefined ? [] : ([['ssl_ca_file', ca]] as const)),
    ['ssl', 'on'],
  ];
}

export const NO_TLS =
  'TLS is off and no certificate is named: give --certificate and --key, files on that host, or --without-tls on a network that is yours alone.';
