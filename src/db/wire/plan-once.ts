import { encodeExecution, encodePreparation } from './bind-message.ts';

/**
 * Sessions plan each statement for its values (`plan_cache_mode = force_custom_plan`). Around the execution of one
 * whose plan is right for all values, this is turned off and on again: that costs a tenth of the planning. It travels
 * with the statement, in its transaction, so that an error in between takes it back.
 */
const execute = (statement: string) => encodeExecution({ statement, values: [], formats: [] });

/** To be sent once per connection, before the first of the others. */
export const planSwitch = Buffer.concat([
  encodePreparation('plan_once', 'set plan_cache_mode = force_generic_plan'),
  encodePreparation('plan_each', 'set plan_cache_mode = force_custom_plan'),
]);
export const planOnce = execute('plan_once');
export const planEach = execute('plan_each');
