# nginx, the answer to a certificate authority's challenge on port 80, and what every site uses. The site itself is
# nginx-ssl's or nginx-non-ssl's. Needs: nothing.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set nginx = mattermost.platform.nginx %}
{% set selinux = mattermost.platform.selinux %}

include:
  - mattermost.deploy.common

port-80-is-free-for-nginx:
  mattermost_nginx.ports_free:
    - ports: [80]

nginx-is-installed:
  pkg.installed:
    - pkgs: {{ nginx.packages | json }}
    - require:
      - mattermost_nginx: port-80-is-free-for-nginx

selinux-lets-nginx-reach-the-server:
  mattermost_selinux.allowed:
    - booleans: {{ selinux.booleans | json }}
    - labels:
        - path: {{ mattermost.paths.webroot }}
          pattern: {{ mattermost.paths.webroot }}(/.*)?
          type: httpd_sys_content_t
          usual: {{ '/var/www' if selinux.enabled else '/' }}
    - tools: {{ selinux.tools }}

nginx-answers-challenges-from-a-directory:
  file.directory:
    - name: {{ mattermost.paths.webroot }}/.well-known/acme-challenge
    - user: root
    - group: root
    - mode: '0755'
    - makedirs: True

nginx-unit-suits-this-platform:
  mattermost_nginx.unit_tuned:
    - name: {{ nginx.unit_dropin }}
    - lines: {{ nginx.unit_lines | json }}
    - require:
      - pkg: nginx-is-installed

nginx-base-is-configured:
  mattermost_nginx.configured:
    - name: base
    - files:
        - path: {{ nginx.site_dir }}/mattermost-base.conf
          source: salt://mattermost/deploy/nginx-base/files/etc/nginx/conf.d/mattermost-base.conf.jinja
        - path: {{ nginx.snippet_dir }}/challenge.conf
          source: salt://mattermost/deploy/nginx-base/files/etc/nginx/mattermost/challenge.conf.jinja
        - path: {{ nginx.snippet_dir }}/site.conf
          source: salt://mattermost/deploy/nginx-base/files/etc/nginx/mattermost/site.conf.jinja
        - path: {{ nginx.snippet_dir }}/unavailable.html
          source: salt://mattermost/deploy/nginx-base/files/etc/nginx/mattermost/unavailable.html
        - path: {{ nginx.snippet_dir }}/unavailable.json
          source: salt://mattermost/deploy/nginx-base/files/etc/nginx/mattermost/unavailable.json
    - context:
        port: {{ mattermost.server.port }}
        path: {{ mattermost.server.path | json }}
        upstream_timeout: {{ nginx.upstream_timeout }}
        snippets: {{ nginx.snippet_dir }}
        webroot: {{ mattermost.paths.webroot }}
        log_dir: {{ nginx.log_dir }}
        body_limit: {{ mattermost.nginx.body_limit }}
        hsts_seconds: {{ mattermost.nginx.hsts_seconds }}
        names_bucket: {{ mattermost.nginx.names_bucket }}
        limits: {{ mattermost.nginx.limits | json }}
    - put_away: {{ nginx.default_sites | json }}
    - ports: [80]
    - service: {{ nginx.service }}
    - error_log: {{ nginx.log_dir }}/error.log
    - work: {{ mattermost.paths.work }}
    - require:
      - pkg: nginx-is-installed
      - file: nginx-answers-challenges-from-a-directory

nginx-is-running:
  service.running:
    - name: {{ nginx.service }}
    - enable: True
    - require:
      - mattermost_nginx: nginx-base-is-configured
