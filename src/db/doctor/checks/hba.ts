import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import type { Check } from '../check.ts';
import type { Finding } from '../finding.ts';
import type { Server } from '../server.ts';

interface Rule {
  readonly line: number;
  readonly error: string | null;
  readonly kind: string;
  readonly databases: readonly string[];
  readonly users: readonly string[];
  readonly address: string | null;
  readonly mask: string | null;
  readonly method: string;
}

/** pg_hba.conf, where the role may see it. */
export const hbaCheck: Check = {
  topic: 'pg_hba.conf',
  async examine({ servers, adminOf }) {
    const findings: Finding[] = [];
    const unseen: string[] = [];
    for (const server of servers) {
      const admin = adminOf(server);
      if (admin) findings.push(...(await examineRules(server, admin)));
      else unseen.push(server.place);
    }
    return {
      findings,
      unseen:
        unseen.length > 0
          ? [`pg_hba.conf and disk of ${unseen.join(', ')}, which only a superuser sees (--admin URL)`]
          : [],
    };
  },
};

async function examineRules(server: Server, admin: Server): Promise<readonly Finding[]> {
  const rules = await selectJson<Rule>(
    admin.db,
    sql`select line_number as line, error, type as kind, coalesce(database, '{}') as databases,
      coalesce(user_name, '{}') as users, address, netmask as mask, auth_method as method
      from pg_hba_file_rules order by line_number`,
  );
  return rules.flatMap((rule) => ruleFindings(server, rule));
}

function ruleFindings(server: Server, rule: Rule): readonly Finding[] {
  const { line, error, kind, users, databases, method } = rule;
  const found = (code: string, message: string): Finding => ({
    code,
    severity: 'warning',
    server: server.place,
    message: `Line ${line} of pg_hba.conf ${message}`,
    remedy: {
      on: server.facts.isStandby ? 'standby' : 'primary',
      run: 'select pg_reload_conf(); (after the line is mended)',
    },
  });
  if (error)
    return [
      found('HBA_ERROR', `is not understood (${error}): the whole file stays as it was loaded before.`),
    ];
  if (kind === 'local' || isLoopbackRule(rule)) return [];
  const findings: Finding[] = [];
  if (method === 'trust') findings.push(found('HBA_TRUST', 'lets in whoever comes, without a password.'));
  if (method === 'password' || method === 'md5') {
    findings.push(
      found(
        'HBA_WEAK_METHOD',
        `asks for the password by ${method}: scram-sha-256 never shows it, nor its hash.`,
      ),
    );
  }
  if (kind === 'host' || kind === 'hostnossl')
    findings.push(found('HBA_WITHOUT_TLS', `lets in without TLS (${kind}): use hostssl.`));
  if (isEverybody(rule))
    findings.push(found('HBA_EVERYBODY', 'lets in from every address: name the gateways and standbys.'));
  if (databases.includes('replication') && users.includes('all')) {
    findings.push(
      found(
        'HBA_REPLICATION_ALL',
        'lets every role with REPLICATION copy the cluster: name the role replicator.',
      ),
    );
  }
  return findings;
}

function isLoopbackRule({ address, mask }: Rule): boolean {
  if (address === null) return false;
  if (address === 'localhost' || address === '::1') return true;
  return address.startsWith('127.') && (mask ?? '').startsWith('255.');
}

function isEverybody({ address, mask }: Rule): boolean {
  return (
    address === 'all' ||
    ((address === '0.0.0.0' || address === '::') && (mask === '0.0.0.0' || mask === '::'))
  );
}
