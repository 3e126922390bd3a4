{{- /*
The stop deadline of src/roles/stopping.ts, and five seconds before the process is killed. A test holds the two together.
*/ -}}
{{- define "waypost.graceSeconds" -}}30{{- end -}}

{{- /* What every pod of the chart has. `restricted` of the Pod Security Standards, and no door to the Kubernetes API. */ -}}
{{- define "waypost.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- range $name := list "runAsUser" "runAsGroup" "fsGroup" }}
  {{- $id := index $.Values.podSecurity $name }}
  {{- if not (kindIs "invalid" $id) }}
  {{ $name }}: {{ toJson $id }}
  {{- end }}
  {{- end }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "waypost.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "waypost.ports" -}}
{{- if eq . "api" }}
- name: http
  containerPort: 3000
{{- else if eq . "redirect" }}
- name: http
  containerPort: 8080
{{- end }}
- name: ops
  containerPort: 9464
{{- end -}}

{{- /*
/livez touches no dependency, because a restart would mend none. /readyz is 503 from the SIGTERM on, while the process goes on
serving for DRAIN_SECONDS.
*/ -}}
{{- define "waypost.probes" -}}
startupProbe:
  httpGet: { path: /livez, port: ops }
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 45
livenessProbe:
  httpGet: { path: /livez, port: ops }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: ops }
  periodSeconds: 3
  timeoutSeconds: 2
  failureThreshold: 2
{{- end -}}

{{- define "waypost.spread" -}}
{{- $root := index . 0 -}}
{{- range $key, $when := dict "topology.kubernetes.io/zone" $root.Values.topologySpread.zones "kubernetes.io/hostname" $root.Values.topologySpread.nodes }}
{{- if $when }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: {{ $when }}
  labelSelector:
    matchLabels:
      {{- include "waypost.selector" (list $root (index $ 1)) | nindent 6 }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* The pod template of a role. Takes [root, role]. */ -}}
{{- define "waypost.podTemplate" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $values := index $root.Values $role -}}
{{- $preStop := int (default 0 $values.preStopSeconds) -}}
metadata:
  labels:
    {{- include "waypost.labels" . | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "waypost.podSecurity" $root | nindent 2 }}
  terminationGracePeriodSeconds: {{ add $preStop (include "waypost.graceSeconds" $root) }}
  {{- with include "waypost.spread" . }}
  topologySpreadConstraints:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- range $name := list "nodeSelector" "tolerations" "affinity" }}
  {{- with index $values $name }}
  {{ $name }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  containers:
    - name: {{ $role }}
      image: {{ include "waypost.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      {{- with $values.nodeFlags }}
      args:
        {{- append . "dist/main.js" | toYaml | nindent 8 }}
      {{- end }}
      env:
        {{- include "waypost.env" (list $root $role $values.env) | nindent 8 }}
      ports:
        {{- include "waypost.ports" $role | nindent 8 }}
      {{- include "waypost.probes" . | nindent 6 }}
      {{- if gt $preStop 0 }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ $preStop }}
      {{- end }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      securityContext:
        {{- include "waypost.containerSecurity" . | nindent 8 }}
      {{- if or (eq $role "redirect") $values.extraVolumeMounts }}
      volumeMounts:
        {{- if eq $role "redirect" }}
        - name: data
          mountPath: /data
        {{- end }}
        {{- with $values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
  {{- $ownSpool := and (eq $role "redirect") (not $root.Values.redirect.spool.persistent) }}
  {{- if or $ownSpool $values.extraVolumes }}
  volumes:
    {{- if $ownSpool }}
    - name: data
      emptyDir:
        sizeLimit: {{ include "waypost.spoolSize" $root }}
    {{- end }}
    {{- with $values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
{{- end -}}

{{- /* Beside clicks lie the links most asked for, and what the file system itself takes. */ -}}
{{- define "waypost.spoolSize" -}}
{{- $spool := .Values.redirect.spool -}}
{{- $mb := int64 $spool.maxMb -}}
{{- $least := add $mb (div $mb 8) 64 -}}
{{- $volume := int64 (default $least $spool.volumeMb) -}}
{{- if lt $volume $least -}}
{{- fail (printf "redirect.spool.volumeMb: %d MiB are too few for redirect.spool.maxMb: %d at least" $volume $least) -}}
{{- end -}}
{{ $volume }}Mi
{{- end -}}
