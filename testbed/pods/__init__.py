"""The pods of k8s/, really started by podman on this machine: `make pods`. No API server, no network between them."""
