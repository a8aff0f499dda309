import { encodeExecution, encodePreparation } from './bind-message.ts';
import { statementNameOf } from './statement-names.ts';

/**
 * Sessions plan each statement for its values (`plan_cache_mode = force_custom_plan`). Around the execution of one
 * whose plan is right for all values, this is turned off and on again: that costs a tenth of the planning. It travels
 * with the statement, in its transaction, so that an error in between takes it back.
 */
const once = 'set plan_cache_mode = force_generic_plan';
const each = 'set plan_cache_mode = force_custom_plan';
const prepare = (text: string) => encodePreparation(statementNameOf(text), text);
const execute = (text: string) =>
  encodeExecution({ statement: statementNameOf(text), values: [], formats: [] });

/** To be sent once per connection, before the first of the others. */
export const planSwitch = Buffer.concat([prepare(once), prepare(each)]);
export const planOnce = execute(once);
export const planEach = execute(each);
