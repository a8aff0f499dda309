/** The values of an enum from a table of their meanings. */
export function described<Name extends string>(meanings: Readonly<Record<Name, string>>) {
  return Object.fromEntries(
    Object.entries<string>(meanings).map(([name, description]) => [name, { description }]),
  ) as Record<Name, { description: string }>;
}
