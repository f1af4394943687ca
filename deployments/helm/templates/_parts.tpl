{{/* What the templates share. */}}

{{- define "crossdock.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "crossdock.selector" -}}
app.kubernetes.io/name: crossdock
app.kubernetes.io/instance: {{ .context.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "crossdock.labels" -}}
{{ include "crossdock.selector" . }}
app.kubernetes.io/version: {{ .context.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .context.Release.Service }}
helm.sh/chart: {{ .context.Chart.Name }}-{{ .context.Chart.Version }}
{{- end }}

{{- define "crossdock.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* The pod of hub and worker: component, command, port, resources. */}}
{{- define "crossdock.pod" -}}
metadata:
  labels:
    {{- include "crossdock.labels" . | nindent 4 }}
  annotations:
    checksum/files: {{ toYaml .context.Values.files | sha256sum }}
    prometheus.io/scrape: "true"
    prometheus.io/port: {{ .port | quote }}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: {{ .context.Values.terminationGracePeriodSeconds }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: {{ .component }}
      image: "{{ .context.Values.image.repository }}:{{ .context.Values.image.tag | default .context.Chart.AppVersion }}"
      imagePullPolicy: {{ .context.Values.image.pullPolicy }}
      args: {{ toJson .args }}
      securityContext:
        {{- include "crossdock.confined" . | nindent 8 }}
      envFrom:
        - secretRef: {name: {{ .context.Values.secrets.environment }}}
      ports:
        - {name: http, containerPort: {{ .port }}}
      startupProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml .resources | nindent 8 }}
      volumeMounts:
        - {name: files, mountPath: /etc/crossdock, readOnly: true}
        - {name: tmp, mountPath: /tmp}
        {{- if .context.Values.secrets.files }}
        - {name: secrets, mountPath: /run/secrets, readOnly: true}
        {{- end }}
  volumes:
    - name: files
      configMap: {name: {{ include "crossdock.name" .context }}-files}
    - name: tmp
      emptyDir: {sizeLimit: 64Mi}
    {{- if .context.Values.secrets.files }}
    - name: secrets
      secret: {secretName: {{ .context.Values.secrets.files }}, defaultMode: 0440}
    {{- end }}
{{- end }}
