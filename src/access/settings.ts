import {
  bearerToken,
  filePath,
  httpUrl,
  listOf,
  matching,
  oneOf,
  seconds,
  splitList,
  text,
  wholeNumber,
} from '../settings/kinds.ts';
import {
  type Kind,
  optionalGroup,
  settingGroup,
  UnexpectedTextError,
  type ValueOf,
} from '../settings/setting.ts';
import { Networks } from './networks.ts';

const accountIds: Kind<readonly string[]> = {
  expected: 'account ids such as 14 or 14,15',
  parse(value) {
    const ids = splitList(value);
    if (ids.length > 0 && ids.every((id) => /^\d{1,18}$/.test(id))) return ids;
    throw new UnexpectedTextError(value);
  },
};

const pageSize = wholeNumber(1, 100_000_000);

const networks: Kind<Networks> = {
  expected: 'networks such as 10.0.0.0/8, comma separated',
  parse(value) {
    try {
      return new Networks(splitList(value));
    } catch {
      throw new UnexpectedTextError(value);
    }
  },
};

const claim = text;
const publicAlgorithms = ['RS256', 'ES256', 'EdDSA'] as const;

const secret = {
  name: 'JWT_SECRET',
  meaning: 'Secret that signs tokens by HS256; instead of JWT_JWKS_URL',
  kind: matching('at least 32 characters', /^[\x20-\x7e]{32,512}$/),
  secret: true,
} as const;
const jwksUrl = {
  name: 'JWT_JWKS_URL',
  meaning: 'Where the identity provider publishes its keys',
  kind: httpUrl,
  example: 'https://login.example.com/.well-known/jwks.json',
} as const;

/** JSON Web Tokens of an identity provider. */
const signedTokens = optionalGroup({
  title: 'Signed tokens (JWT)',
  isUsed: (isSet) => isSet(secret) || isSet(jwksUrl),
  members: {
    secret,
    jwksUrl,
    algorithms: {
      name: 'JWT_ALGORITHMS',
      meaning: 'Algorithms accepted with JWT_JWKS_URL; no other, whatever a token says',
      kind: listOf(oneOf(...publicAlgorithms)),
      default: 'RS256',
    },
    issuer: {
      name: 'JWT_ISSUER',
      meaning: 'The claim "iss" of tokens; needed with either of the above',
      kind: text,
      example: 'https://login.example.com/',
    },
    audience: {
      name: 'JWT_AUDIENCE',
      meaning: 'The claim "aud" of tokens for this gateway; needed with either of the above',
      kind: text,
      example: 'cdr-gateway',
    },
    skewSeconds: {
      name: 'JWT_CLOCK_SKEW',
      meaning: 'How far the clocks of provider and gateway may differ, in seconds',
      kind: seconds,
      default: '5',
    },
    roleClaim: {
      name: 'JWT_ROLE_CLAIM',
      meaning: 'Claim with the role: admin, customer, account, analyst, support, finance or grafana',
      kind: claim,
      default: 'cdr_role',
    },
    accountsClaim: {
      name: 'JWT_ACCOUNTS_CLAIM',
      meaning: 'Claim with the ids of the accounts whose calls are visible, or "all"',
      kind: claim,
      default: 'cdr_accounts',
    },
    customersClaim: {
      name: 'JWT_CUSTOMERS_CLAIM',
      meaning: 'Claim with the ids of the customers whose calls are visible',
      kind: claim,
      default: 'cdr_customers',
    },
  },
  combine({ secret, jwksUrl, issuer, audience, algorithms, ...others }, report) {
    if (secret !== undefined && jwksUrl !== undefined) report('JWT_SECRET and JWT_JWKS_URL: set one of them');
    if (issuer === undefined || audience === undefined) {
      report('JWT_ISSUER and JWT_AUDIENCE: both are needed, lest tokens for other programs be accepted');
    }
    return {
      ...others,
      secret,
      jwksUrl,
      issuer: issuer ?? '',
      audience: audience ?? '',
      algorithms: secret === undefined ? algorithms : (['HS256'] as const),
    };
  },
});

/** Who may sign in, by what, and how much each may ask for. */
export const accessSettings = settingGroup({
  title: 'Access',
  members: {
    adminToken: {
      name: 'ADMIN_TOKEN',
      meaning: 'Bearer token that sees every account',
      kind: bearerToken,
      secret: true,
      needed: true,
    },
    accountToken: {
      name: 'ACCOUNT_TOKEN',
      meaning: 'Bearer token that sees only ACCOUNT_ID',
      kind: bearerToken,
      secret: true,
    },
    accountIds: {
      name: 'ACCOUNT_ID',
      meaning: 'Account (or accounts, comma separated) that ACCOUNT_TOKEN sees',
      kind: accountIds,
      example: '14',
    },
    adminMaxPage: {
      name: 'ADMIN_MAX_PAGE',
      meaning: 'Ceiling of first/last for the admin token',
      kind: pageSize,
      default: '5000000',
    },
    accountMaxPage: {
      name: 'ACCOUNT_MAX_PAGE',
      meaning: 'Ceiling of first/last for the account token',
      kind: pageSize,
      default: '1000000',
    },
    keysFrom: {
      name: 'API_KEYS',
      meaning:
        'Where API keys are: "table" is cdr_gateway.api_keys, read from the standbys; see also API_KEYS_FILE',
      kind: oneOf('off', 'table'),
      default: 'off',
    },
    keyFile: {
      name: 'API_KEYS_FILE',
      meaning: 'File of API keys, read whenever it changes: where nobody may write on the primary',
      kind: filePath,
      example: '/var/lib/cdr-gateway/api-keys.json',
    },
    trustedProxies: {
      name: 'TRUSTED_PROXIES',
      meaning:
        'Networks of proxies whose X-Forwarded-For is believed, for the networks that API keys are allowed from',
      kind: networks,
      example: '127.0.0.1',
    },
    signedTokens,
  },
  combine({ accountToken, accountIds, ...others }, report) {
    const { adminToken, keysFrom, keyFile, signedTokens } = others;
    const hasOthers = keysFrom === 'table' || keyFile !== undefined || signedTokens !== undefined;
    const account = accountToken && accountIds ? { token: accountToken, accountIds } : undefined;
    if (!account && (accountToken ?? accountIds) !== undefined) {
      report('ACCOUNT_TOKEN and ACCOUNT_ID: set both or neither');
    } else if (adminToken === undefined && !account && !hasOthers) {
      report('ADMIN_TOKEN or ACCOUNT_TOKEN: missing; without a token nobody could ask anything');
    } else if (adminToken !== undefined && adminToken === accountToken) {
      report('ADMIN_TOKEN and ACCOUNT_TOKEN: must differ');
    }
    return { ...others, account };
  },
});

export type AccessSettings = ValueOf<typeof accessSettings>;
export type SignedTokenSettings = Pick<
  NonNullable<AccessSettings['signedTokens']>,
  'algorithms' | 'issuer' | 'audience' | 'skewSeconds' | 'roleClaim' | 'accountsClaim' | 'customersClaim'
>;
