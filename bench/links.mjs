import { keySql } from './keys.mjs';

/**
 * Multiplies a link that the API made: `links` of them, the n-th at the n-th key of keys.mjs. Destinations and titles
 * differ in their words and numbers.
 *
 * @param from skips those that an earlier call made
 */
export async function multiplyLinks(client, { tenant, link, links, from = 0 }) {
  await client.query(
    `WITH made AS (
       INSERT INTO links
       SELECT tenant_id, uuidv7(), domain_id, ${keySql('n')},
              replace(replace(url, 'linen-shirt', words[1 + n % 40] || '-' || words[1 + n / 40 % 40]), '1234567', lpad((n * 7919::bigint % 10000000)::text, 7, '0')),
              external_id, replace(title, 'Linen shirt', initcap(words[1 + n % 40]) || ' ' || words[1 + n / 40 % 40]), comments,
              starts_at, expires_at, expired_url, max_clicks, redirect_status, forward_query, archived, disabled_at,
              created_by, created_at, updated_at
       FROM links, generate_series($3::int + 1, $4::int) AS n,
            (SELECT string_to_array('linen cotton silk wool denim velvet suede canvas satin fleece red blue green black white grey brown amber coral olive shirt dress skirt jacket coat scarf glove sock shoe boot table chair lamp shelf desk couch mirror carpet vase frame', ' ') AS words) AS w
       WHERE tenant_id = $1 AND id = $2
       RETURNING tenant_id, id
     )
     INSERT INTO link_stats SELECT tenant_id, id, 0 FROM made`,
    [tenant, link, from, links],
  );
}
