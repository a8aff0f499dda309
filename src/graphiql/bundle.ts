/** GraphiQL's panel of the queries that were run before, which Yoga's bundle has and leaves out. */
const history = /const ([\w$]+)=\{title:"History",/;
const plugins = /plugins:\[([\w$]+)\],schemaDescription:/;

/** Yoga's bundle with that panel beside its own. A bundle in which they are not found stays as it is. */
export function addHistory(bundle: string): string {
  const name = history.exec(bundle)?.[1];
  if (name === undefined) return bundle;
  return bundle.replace(plugins, (_, own) => `plugins:[${own},${name}],schemaDescription:`);
}
