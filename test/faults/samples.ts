import { setTimeout as delay } from 'node:timers/promises';
import { type Commits, seconds, type Witness } from './commits.ts';
import type { GatewayProcess, GatewayStatus, StandbyStatus } from './gateway-process.ts';

/** Whose words are compared with what. */
export interface Sampled {
  readonly gateways: readonly GatewayProcess[];
  readonly commits: Commits;
  /** Of each server, by the name that gateways have for it. */
  readonly witnesses: ReadonlyMap<string, Witness>;
}

/** What both gateways said at one moment. */
export interface Look {
  readonly at: number;
  /** In the order of the rig's gateways; undefined when one did not answer at once. */
  readonly statuses: readonly (GatewayStatus | undefined)[];
}

const PAUSE_MS = 80;

/** Compares what the gateways say of each standby with what it shows, again and again, until it is stopped. */
export class Sampling {
  readonly looks: Look[] = [];
  readonly violations: string[] = [];
  /** Bounds that were compared with the truth. */
  samples = 0;
  /** Bounds below the truth that came with the confidence LOW and a reason. */
  doubted = 0;
  readonly #sampled: Sampled;
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(sampled: Sampled) {
    this.#sampled = sampled;
    this.#running = this.#repeat();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #repeat(): Promise<void> {
    const { gateways, witnesses, commits } = this.#sampled;
    while (!this.#isStopped) {
      const moment = seconds();
      const statuses = await Promise.all(gateways.map((gateway) => gateway.status()));
      this.looks.push({ at: seconds(), statuses });
      // Read after the bounds: what is missing now was missing then.
      const shown = await Promise.all(
        [...witnesses].map(async ([name, witness]) => ({ name, visible: await witness.visible() })),
      );
      for (const { name, visible } of shown) {
        if (visible === undefined) continue;
        const truth = commits.ageOfMissing(visible, moment);
        for (const [which, status] of statuses.entries()) {
          const standby = status?.replicas.find((replica) => replica.name === name);
          this.#compare(gateways[which]!.name, standby, truth);
        }
      }
      await delay(PAUSE_MS);
    }
  }

  #compare(gateway: string, standby: StandbyStatus | undefined, truth: number): void {
    if (!standby || standby.lagSeconds === null) return;
    this.samples++;
    if (standby.lagSeconds >= truth) return;
    if (standby.confidence === 'LOW') {
      this.doubted++;
      return;
    }
    const { name, status, lagSeconds, confidence } = standby;
    this.violations.push(
      `${gateway}: ${name} ${status} "${lagSeconds} s" (${confidence}), the truth was ${truth.toFixed(3)} s`,
    );
  }
}
