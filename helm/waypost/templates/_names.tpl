{{- define "waypost.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What a selector goes by: it can never change. Takes [root, component]. */ -}}
{{- define "waypost.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride | trunc 63 }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "waypost.labels" -}}
{{- $root := index . 0 -}}
{{ include "waypost.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "waypost.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}

{{- define "waypost.secretName" -}}
{{- if .Values.externalSecrets.enabled -}}
{{- default (include "waypost.fullname" .) .Values.secrets.existingSecret -}}
{{- else -}}
{{- required "secrets.existingSecret: name the Secret with Waypost's URLs and keys (see the README), or enable externalSecrets" .Values.secrets.existingSecret -}}
{{- end -}}
{{- end -}}

{{- /* Hostnames with a certificate and a listener of their own. */ -}}
{{- define "waypost.hostnames" -}}
{{- concat .Values.api.hostnames .Values.redirect.hostnames | uniq | toJson -}}
{{- end -}}

{{- /* Of the Secret with a hostname's certificate. Takes [root, hostname]. */ -}}
{{- define "waypost.tlsSecret" -}}
{{- include "waypost.ofHostname" (list (printf "%s-tls" (include "waypost.fullname" (index . 0))) (index . 1)) -}}
{{- end -}}

{{- /* A name with at most 50 characters after its prefix, of which the end tells hostnames apart. Takes [prefix, hostname]. */ -}}
{{- define "waypost.ofHostname" -}}
{{- $hostname := index . 1 -}}
{{- printf "%s-%s-%s" (index . 0) ($hostname | replace "*" "any" | replace "." "-" | replace "_" "-" | trunc 40 | trimSuffix "-") (sha256sum $hostname | trunc 8) -}}
{{- end -}}
