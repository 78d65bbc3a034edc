"""Networks: thin wrappers, because timm, torchvision and MONAI do the work."""
