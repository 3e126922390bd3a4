/**
 * Joins each row with one of `table`, by a unique key: by its index, row by row, whatever is known of how many rows there
 * are. Citus takes no such join with rows that are on the coordinator: there it is left to the planner, who knows more of a
 * table without partitions.
 *
 * @param on the key, with `there` for the table
 * @param columns what is wanted of it
 */
export const joinByKey = (distributed: boolean, table: string, on: string, columns = ''): string =>
  distributed
    ? `JOIN ${table} AS there ON ${on}`
    : `CROSS JOIN LATERAL (SELECT ${columns} FROM ${table} AS there WHERE ${on} LIMIT 1) AS there`;
