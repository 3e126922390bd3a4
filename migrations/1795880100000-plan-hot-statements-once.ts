import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Functions that the API calls at most requests, with their arguments. */
const FUNCTIONS = {
  create_link: `
    tenant uuid, link uuid, domain uuid, link_key text, url text, external_id text, title text, comments text,
    starts_at timestamptz, expires_at timestamptz, expired_url text, max_clicks bigint, redirect_status smallint,
    forward_query boolean, shared_max_age integer, archived boolean, disabled_at timestamptz, created_by text,
    created_at timestamptz, updated_at timestamptz, tag_names text[]`,
  shown_link: `tenant uuid, link_id uuid`,
  domain_for_link: `tenant uuid, host text`,
  destination_facts: `tenant uuid, platform uuid, hosts text[]`,
  append_outbox_event: `tenant uuid, event uuid, topic text, payload jsonb, traceparent text, created_at timestamptz`,
  take_idempotency_key: `tenant uuid, its_principal text, its_key text`,
  keep_idempotent_answer: `
    tenant uuid, principal text, key text, request_hash bytea, status smallint, sealed_body bytea, expires_at timestamptz`,
};

/**
 * What creating and reading a link asks of the database, as functions: a session plans their statements once, and to plan
 * a statement of partitioned tables under row-level security takes longer than to carry it out. (Statements prepared by
 * name would do the same, but not behind PgBouncer.) All run with the rights of whoever calls them.
 */
export class PlanHotStatementsOnce1795880100000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await this.createLinkFunctions(db);
    await this.createIdempotencyFunctions(db);
    await this.createDestinationFunctions(db);
    await db.query(`
      CREATE FUNCTION append_outbox_event(${FUNCTIONS.append_outbox_event})
      RETURNS void LANGUAGE plpgsql AS $$
      #variable_conflict use_variable
      BEGIN
        INSERT INTO public.outbox (tenant_id, id, topic, payload, traceparent, created_at)
        VALUES (tenant, event, topic, payload, traceparent, created_at);
      END $$`);
    for (const name of Object.keys(FUNCTIONS)) {
      await db.query(`REVOKE EXECUTE ON FUNCTION ${name} FROM PUBLIC`);
      await db.query(`GRANT EXECUTE ON FUNCTION ${name} TO waypost_app`);
    }
  }

  async down(db: QueryRunner): Promise<void> {
    for (const name of Object.keys(FUNCTIONS)) await db.query(`DROP FUNCTION ${name}`);
  }

  private async createLinkFunctions(db: QueryRunner): Promise<void> {
    // False: the key is used on the domain. That is no error here, which would end the transaction: a generated code then
    // tries the next number.
    await db.query(`
      CREATE FUNCTION create_link(${FUNCTIONS.create_link})
      RETURNS boolean LANGUAGE plpgsql AS $$
      #variable_conflict use_variable
      BEGIN
        INSERT INTO public.links (
          tenant_id, id, domain_id, key, url, external_id, title, comments, starts_at, expires_at, expired_url,
          max_clicks, redirect_status, forward_query, shared_max_age, archived, disabled_at, created_by, created_at,
          updated_at)
        VALUES (
          tenant, link, domain, link_key, url, external_id, title, comments, starts_at, expires_at, expired_url,
          max_clicks, redirect_status, forward_query, shared_max_age, archived, disabled_at, created_by, created_at,
          updated_at)
        ON CONFLICT (tenant_id, domain_id, key) DO NOTHING;
        IF NOT FOUND THEN
          RETURN false;
        END IF;
        INSERT INTO public.link_stats (tenant_id, link_id, clicks) VALUES (tenant, link, 0);
        IF cardinality(tag_names) > 0 THEN
          INSERT INTO public.tags (tenant_id, link_id, name) SELECT tenant, link, unnest(tag_names);
        END IF;
        RETURN true;
      END $$`);
    // A generic plan finds the partition when it begins. PostgreSQL by itself would rather plan anew each time, for it
    // reckons with all partitions.
    await db.query(`
      CREATE FUNCTION shown_link(${FUNCTIONS.shown_link})
      RETURNS TABLE (link public.links, hostname text, clicks bigint, visitors bigint, last_clicked_at timestamptz,
        tags text[])
      LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
      #variable_conflict use_column
      BEGIN
        RETURN QUERY
          SELECT l, d.hostname, s.clicks, s.visitors, s.last_clicked_at,
                 ARRAY(SELECT t.name FROM public.tags t WHERE t.tenant_id = tenant AND t.link_id = l.id ORDER BY t.name)
          FROM public.links l
          JOIN public.domains d ON d.tenant_id = tenant AND d.id = l.domain_id
          LEFT JOIN public.link_stats s ON s.tenant_id = tenant AND s.link_id = l.id
          WHERE l.tenant_id = tenant AND l.id = shown_link.link_id;
      END $$`);
  }

  private async createDestinationFunctions(db: QueryRunner): Promise<void> {
    // The domain of that name, or without one the primary; held until the transaction ends.
    await db.query(`
      CREATE FUNCTION domain_for_link(
        ${FUNCTIONS.domain_for_link}, OUT id uuid, OUT hostname text, OUT case_sensitive boolean, OUT code_length smallint)
      LANGUAGE plpgsql AS $$
      #variable_conflict use_column
      BEGIN
        IF host IS NULL THEN
          SELECT d.id, d.hostname, d.case_sensitive, d.code_length INTO id, hostname, case_sensitive, code_length
          FROM public.domains d WHERE d.tenant_id = tenant AND d.is_primary FOR KEY SHARE;
        ELSE
          SELECT d.id, d.hostname, d.case_sensitive, d.code_length INTO id, hostname, case_sensitive, code_length
          FROM public.domains d WHERE d.tenant_id = tenant AND d.hostname = host FOR KEY SHARE;
        END IF;
      END $$`);
    await db.query(`
      CREATE FUNCTION destination_facts(
        ${FUNCTIONS.destination_facts}, OUT short_domains text[], OUT policies jsonb[])
      LANGUAGE plpgsql STABLE AS $$
      BEGIN
        short_domains := ARRAY(SELECT host FROM unnest(hosts) AS host WHERE public.is_short_domain(host));
        policies := ARRAY(
          SELECT jsonb_build_object('tenantId', p.tenant_id, 'version', p.version)
          FROM public.destination_policies p WHERE p.tenant_id IN (tenant, platform));
      END $$`);
  }

  private async createIdempotencyFunctions(db: QueryRunner): Promise<void> {
    // Looks after it has the lock, and so sees what whoever had it before has committed. What has expired makes room, for
    // the sweep may not have met it yet.
    await db.query(`
      CREATE FUNCTION take_idempotency_key(
        ${FUNCTIONS.take_idempotency_key}, OUT taken boolean, OUT request_hash bytea, OUT status smallint,
        OUT sealed_body bytea)
      LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
      #variable_conflict use_column
      DECLARE
        past boolean;
      BEGIN
        taken := pg_try_advisory_xact_lock(
          hashtextextended(format(E'idempotency\\n%s\\n%s\\n%s', tenant, its_principal, its_key), 0));
        IF NOT taken THEN
          RETURN;
        END IF;
        SELECT r.request_hash, r.status, r.sealed_body, r.expires_at <= now()
        INTO request_hash, status, sealed_body, past
        FROM public.idempotency_records r
        WHERE r.tenant_id = tenant AND r.principal = its_principal AND r.key = its_key;
        IF past THEN
          DELETE FROM public.idempotency_records r
          WHERE r.tenant_id = tenant AND r.principal = its_principal AND r.key = its_key;
          request_hash := NULL; status := NULL; sealed_body := NULL;
        END IF;
      END $$`);
    await db.query(`
      CREATE FUNCTION keep_idempotent_answer(${FUNCTIONS.keep_idempotent_answer})
      RETURNS void LANGUAGE plpgsql AS $$
      #variable_conflict use_variable
      BEGIN
        INSERT INTO public.idempotency_records (tenant_id, principal, key, request_hash, status, sealed_body, expires_at)
        VALUES (tenant, principal, key, request_hash, status, sealed_body, expires_at);
      END $$`);
  }
}
