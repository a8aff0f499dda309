import { type Check, type Fleet, present } from '../check.ts';
import type { Finding } from '../finding.ts';
import { isSameServer, type Server } from '../server.ts';

/** Whether every URL leads to a server of its own, of one cluster, of the kind that it should be. */
export const serversCheck: Check = {
  topic: 'servers',
  async examine(fleet) {
    return {
      findings: [
        ...fleet.servers.flatMap((server) =>
          present([primaryAmongReplicas(server), notThePrimary(server, fleet)]),
        ),
        ...doubles(fleet),
        ...present([clusters(fleet), databases(fleet), majors(fleet)]),
      ],
      unseen: fleet.primary ? [] : [NO_PRIMARY],
    };
  },
};

const NO_PRIMARY =
  'the primary: slots, senders, archiver, publications and how its settings go with those of the standbys (PRIMARY_URL)';

function primaryAmongReplicas({ place, namedBy, facts }: Server): Finding | undefined {
  if (facts.isStandby || namedBy !== 'REPLICA_URLS') return undefined;
  return {
    code: 'REPLICA_IS_PRIMARY',
    severity: 'warning',
    server: place,
    message:
      'This is a primary. Reading calls here is what the gateway is meant to spare the switch: use a standby.',
  };
}

/** It may name several, of which one is. */
function notThePrimary({ place, namedBy, facts }: Server, { primary }: Fleet): Finding | undefined {
  if (primary || !facts.isStandby || namedBy !== 'PRIMARY_URL') return undefined;
  const { receiver } = facts;
  const upstream = receiver?.host ? ` It streams from ${receiver.host}:${receiver.port}.` : '';
  return {
    code: 'PRIMARY_IS_STANDBY',
    severity: 'warning',
    server: place,
    message: `PRIMARY_URL leads to a standby, which says nothing of the primary.${upstream}`,
  };
}

function doubles({ servers }: Fleet): readonly Finding[] {
  return servers.flatMap((server, index) => {
    const first = servers.slice(0, index).find((other) => isSameServer(other, server));
    if (!first) return [];
    return [
      {
        code: 'SAME_SERVER_TWICE',
        severity: 'warning' as const,
        server: server.place,
        message: `It is the same server as ${first.place}: when it stops, both are gone. Name each server once.`,
      },
    ];
  });
}

function clusters({ servers }: Fleet): Finding | undefined {
  if (new Set(servers.map(({ facts }) => facts.cluster)).size <= 1) return undefined;
  return {
    code: 'OTHER_CLUSTER',
    severity: 'problem',
    message: 'these servers are copies of different clusters; they cannot answer for one another.',
  };
}

function databases({ servers }: Fleet): Finding | undefined {
  const names = new Set(servers.map(({ facts }) => facts.database));
  if (names.size <= 1) return undefined;
  return {
    code: 'OTHER_DATABASE',
    severity: 'problem',
    message: `The URLs name different databases (${[...names].join(', ')}): answers would depend on the standby.`,
  };
}

/** Physical replication stops at a major version; of the minor ones the standbys go first. */
function majors({ primary, standbys }: Fleet): Finding | undefined {
  if (!primary) return undefined;
  const older = standbys.filter(({ facts }) => facts.versionNumber < primary.facts.versionNumber);
  if (older.length === 0) return undefined;
  return {
    code: 'STANDBY_OLDER_MINOR',
    severity: 'warning',
    server: older[0]!.place,
    message:
      `${older.map(({ place, facts }) => `${place} (${facts.version})`).join(', ')} is older than the primary ` +
      `(${primary.facts.version}): WAL of a newer minor version may be more than it can replay. Standbys are upgraded first.`,
  };
}
