# The user's own certificate and key, checked before they replace anything. Included by init.sls.
{% set mattermost = salt['mattermost_settings.get']() %}

own-certificate-is-in-place:
  mattermost_letsencrypt.files_installed:
    - name: {{ mattermost.name }}
    - covers: {{ mattermost.names | json }}
    - now: {{ mattermost.renew }}
    - chain: {{ mattermost.certificate.chain | json }}
    - key: {{ mattermost.certificate.key | json }}
    - chain_file: {{ mattermost.certificate.chain_file }}
    - key_file: {{ mattermost.certificate.key_file }}
