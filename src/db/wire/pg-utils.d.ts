/** What node-postgres keeps beside its public types. */
declare module 'pg/lib/utils.js' {
  const utils: {
    /** A JavaScript value as the text that a parameter is sent as. */
    prepareValue(value: unknown): string | Buffer | null;
  };
  export default utils;
}
