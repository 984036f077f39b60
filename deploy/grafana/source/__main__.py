"""Writes the dashboards."""

from deploy.grafana.source import FOLDER, files

for name, content in files().items():
    FOLDER.joinpath(name).write_text(content, encoding="utf-8")
