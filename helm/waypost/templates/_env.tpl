{{- /*
Which variables of the Secret each role gets: those it uses, and no other. The redirect role needs some DATABASE_URL in order
to start, and connects with DATABASE_RESOLVER_URL alone: it gets the latter under both names, and no pod that visitors can
reach knows a password of more than the resolver.
*/ -}}
{{- define "waypost.secretsOf" -}}
{{- $role := index . 1 -}}
{{- $values := (index . 0).Values -}}
{{- $urls := dict
  "api" (dict "DATABASE_URL" "DATABASE_URL")
  "redirect" (dict "DATABASE_URL" "DATABASE_RESOLVER_URL" "DATABASE_RESOLVER_URL" "DATABASE_RESOLVER_URL")
  "worker" (dict "DATABASE_URL" "DATABASE_URL" "DATABASE_INGEST_URL" "DATABASE_INGEST_URL")
  "migration" (dict "DATABASE_URL" "DATABASE_URL" "DATABASE_INGEST_URL" "DATABASE_INGEST_URL" "DATABASE_RESOLVER_URL" "DATABASE_RESOLVER_URL" "DATABASE_OWNER_URL" "DATABASE_OWNER_URL")
-}}
{{- $secrets := index $urls $role -}}
{{- if ne $role "migration" -}}
{{- $_ := set $secrets "SECRET_KEY" "SECRET_KEY" -}}
{{- $_ := set $secrets "PLATFORM_KEY" "PLATFORM_KEY" -}}
{{- if $values.redis.enabled }}{{ $_ := set $secrets "REDIS_URL" "REDIS_URL" }}{{ end -}}
{{- if $values.secrets.previousSecretKey }}{{ $_ := set $secrets "SECRET_KEY_PREVIOUS" "SECRET_KEY_PREVIOUS" }}{{ end -}}
{{- if and $values.database.replica (ne $role "worker") }}{{ $_ := set $secrets "DATABASE_REPLICA_URL" "DATABASE_REPLICA_URL" }}{{ end -}}
{{- if and $values.secrets.tlsAskKey (eq $role "api") }}{{ $_ := set $secrets "TLS_ASK_KEY" "TLS_ASK_KEY" }}{{ end -}}
{{- end -}}
{{- toJson $secrets -}}
{{- end -}}

{{- /* The environment of a role's container. Takes [root, role, the role's own variables]. */ -}}
{{- define "waypost.env" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- if ne $role "migration" }}
- name: APP_ROLE
  value: {{ $role }}
{{- end }}
{{- if has $role (list "api" "redirect") }}
- name: DRAIN_SECONDS
  value: {{ $root.Values.drainSeconds | toJson | quote }}
{{- end }}
{{- if eq $role "redirect" }}
- name: DATA_DIR
  value: /data
- name: REDIRECT_WORKERS
  value: {{ $root.Values.redirect.workers | toJson | quote }}
- name: SPOOL_MAX_MB
  value: {{ $root.Values.redirect.spool.maxMb | toJson | quote }}
{{- end }}
{{- range $name, $value := mustMergeOverwrite (deepCopy $root.Values.env) (deepCopy (index . 2)) }}
{{- if not (kindIs "invalid" $value) }}
- name: {{ $name }}
  {{- /* As JSON: Helm would write a million as 1e+06. */}}
  value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- end }}
{{- range $name, $key := include "waypost.secretsOf" (list $root $role) | fromJson }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ include "waypost.secretName" $root }}
      key: {{ index $root.Values.secrets.keys $key }}
{{- end }}
{{- end -}}
