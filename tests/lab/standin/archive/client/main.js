fetch(`${(window.publicPath || '/static/').replace(/static\/$/, '')}api/v4/config/client?format=old`)
    .then((answer) => answer.json())
    .then((config) => { document.getElementById('version').textContent = config.BuildNumber; });
