"""How an approved plan is carried out: workspace, fence, verification, landing."""
