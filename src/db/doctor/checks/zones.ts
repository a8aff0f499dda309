import { selectZoneRules, warningAboutZones, zonesThatDiffer } from '../../catalogue/catalogue-zones.ts';
import type { Check } from '../check.ts';

/** Whether all standbys know the same time zones. Each that differs from the first is named once. */
export const zonesCheck: Check = {
  topic: 'time zones',
  async examine({ standbys }) {
    const known = await Promise.all(
      standbys.map(async ({ place, db }) => ({ place, zones: await selectZoneRules(db) })),
    );
    const [first, ...others] = known;
    const sentences = others.flatMap(
      ({ place, zones }) =>
        warningAboutZones([first!.place, place], zonesThatDiffer(first!.zones, zones)) ?? [],
    );
    return {
      findings: sentences.map((message) => ({ code: 'TIME_ZONES_DIFFER', severity: 'warning', message })),
    };
  },
};
